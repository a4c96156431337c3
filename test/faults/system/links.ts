import { type LinkMode, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import type { LinkName } from './spec.ts'

export type Links = {
  port(name: LinkName): number | undefined
  /** Sets a link's mode. Throws for a link that the fault did not ask for. */
  set(name: LinkName, mode: LinkMode): void
  heal(): void
  close(): Promise<void>
}

/** The links of a fault, each in front of the port of what it leads to. */
export async function openLinks(names: readonly LinkName[], targetPort: (name: LinkName) => number): Promise<Links> {
  const proxies = new Map<LinkName, TcpProxy>()
  for (const name of names) proxies.set(name, await startTcpProxy(targetPort(name)))
  return {
    port: (name) => proxies.get(name)?.port,
    set(name, mode) {
      const proxy = proxies.get(name)
      if (proxy === undefined) throw new Error(`no proxy stands in the link ${name}`)
      proxy.set(mode)
    },
    heal: () => proxies.forEach((proxy) => proxy.set('pass')),
    close: async () => void (await Promise.all([...proxies.values()].map((proxy) => proxy.close()))),
  }
}
