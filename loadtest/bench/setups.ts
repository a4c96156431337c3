import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { ownRuntime, type Runtime } from '../logger/service-process.ts'

/** What a round's servers run on. The first of all has no label: it is this checkout on the Node.js that runs the benchmark. */
export type Setup = { label: string; runtime: Runtime }

/** Every checkout on every Node.js, this checkout and this Node.js first. */
export function toSetups({ checkout = [], node = [] }: { checkout?: readonly string[]; node?: readonly string[] }): Setup[] {
  const roots = [{ label: '', root: ownRuntime.root }, ...checkout.map((dir) => ({ label: dir, root: resolve(dir) }))]
  const nodes = [{ label: '', node: ownRuntime.node }, ...node.map((path) => ({ label: versionOf(path), node: resolve(path) }))]
  return roots.flatMap((of) =>
    nodes.map((on) => ({ label: [of.label, on.label].filter(Boolean).join(', '), runtime: { root: of.root, node: on.node } })),
  )
}

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
}
