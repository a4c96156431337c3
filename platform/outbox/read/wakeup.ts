import { watch, type FSWatcher } from 'node:fs'
import { createBell } from '../../service/bell.ts'

/** Sleeps until a watched file changes, with a bound on the sleep. */
export type Wakeup = {
  /** Wakes on each change of the path, after telling `onChange`. Returns how to stop. */
  watch(path: string, onChange?: () => void): () => void
  /** Forgets the changes so far; one that comes between this and `wait` still ends the wait. */
  reset(): void
  wait(atMostMs: number, signal?: AbortSignal): Promise<void>
  close(): void
}

/**
 * Watches files. Notifications make delivery quick, the bound makes it certain: file systems without inotify (NFS, some container
 * mounts), an exhausted watch limit, and a file made between the look and the watch all notify nobody.
 */
export function createWakeup(): Wakeup {
  const watchers = new Set<FSWatcher>()
  let changed = false
  const bell = createBell()

  function notify(): void {
    changed = true
    bell.ring()
  }

  function stop(watcher: FSWatcher): void {
    watchers.delete(watcher)
    watcher.close()
  }

  return {
    watch(path, onChange = () => undefined) {
      const watcher = tryWatch(path, () => {
        onChange()
        notify()
      })
      if (watcher === undefined) return () => undefined
      watchers.add(watcher)
      watcher.on('error', () => stop(watcher))
      return () => stop(watcher)
    },
    reset() {
      changed = false
    },
    wait: (atMostMs, signal) => (changed ? Promise.resolve() : bell.wait(atMostMs, signal)),
    close() {
      for (const watcher of watchers) stop(watcher)
      notify()
    },
  }
}

/** Watches a path; undefined where that cannot be done, and then the bound on the sleep decides alone. */
function tryWatch(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, { persistent: false }, onChange)
  } catch {
    return undefined
  }
}
