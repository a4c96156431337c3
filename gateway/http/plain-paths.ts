/** What stands behind paths like `/v1/models/:model/predict`, found by targets that are written plainly. */
export type PlainPaths<T> = {
  add(path: string, found: T): void
  /** The values of the path's parameters, in their order. Undefined for a target with a query, an escape, or dots for a name. */
  find(target: string): { found: T; values: string[] } | undefined
}

/** A host that surely makes a valid URL, so that none is made to find out. */
const plainHost = /^[a-z0-9][a-z0-9.-]*(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}))?$/

export function createPlainPaths<T>(): PlainPaths<T> {
  const paths: { pattern: RegExp; found: T }[] = []
  return {
    add(path, found) {
      paths.push({ pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '([\\w-][\\w.-]*)')}$`), found })
    },
    find(target) {
      for (const { pattern, found } of paths) {
        const match = pattern.exec(target)
        if (match !== null) return { found, values: match.slice(1) }
      }
      return undefined
    },
  }
}

export function isPlainHost(host: string | undefined): boolean {
  return host === undefined || plainHost.test(host)
}
