export function requireNodeVersion(version?: string): void
export function ensureInstalled(options: { dev: boolean }): void
export function outOfDate(dir: string, options: { dev: boolean }): string | undefined
