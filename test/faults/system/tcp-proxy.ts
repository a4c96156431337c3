import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * `drop`: every connection is cut, and each new one. `hold`: nothing moves, nothing is closed. `half_open`: the far end is gone
 * without a word; what the near end sends vanishes, and is answered with a reset once the link passes again.
 */
export type LinkMode = 'pass' | 'drop' | 'hold' | 'half_open' | { delayMs: number }

export type TcpProxy = {
  port: number
  set(mode: LinkMode): void
  close(): Promise<void>
}

type Pair = { near: Socket; far: Socket; dead: boolean }

/** A link between two processes that can be broken. Loopback only. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let mode: LinkMode = 'pass'

  const server = createServer({ allowHalfOpen: false }, (near) => {
    if (mode === 'drop') return void near.resetAndDestroy()
    const pair: Pair = { near, far: connect(targetPort, '127.0.0.1'), dead: false }
    pairs.add(pair)
    join(pair)
    apply(pair)
  })

  function join(pair: Pair): void {
    const { near, far } = pair
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk) => forward(pair, to, chunk))
      from.on('error', () => undefined)
      from.on('close', () => {
        if (!pair.dead) to.destroySoon()
        if (near.destroyed) pairs.delete(pair)
      })
    }
  }

  function forward(pair: Pair, to: Socket, chunk: Buffer): void {
    if (pair.dead) {
      if (mode !== 'half_open') pair.near.resetAndDestroy()
      return
    }
    const send = () => void (to.writable && to.write(chunk))
    if (typeof mode === 'object') setTimeout(send, mode.delayMs)
    else send()
  }

  function apply(pair: Pair): void {
    const { near, far } = pair
    if (mode === 'drop') {
      near.resetAndDestroy()
      far.resetAndDestroy()
    } else if (mode === 'hold') {
      near.pause()
      far.pause()
    } else if (mode === 'half_open') {
      pair.dead = true
      far.destroy()
      near.resume()
    } else {
      near.resume()
      far.resume()
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      mode = next
      for (const pair of pairs) apply(pair)
    },
    async close() {
      server.close()
      for (const { near, far } of pairs) {
        near.destroy()
        far.destroy()
      }
      await once(server, 'close')
    },
  }
}
