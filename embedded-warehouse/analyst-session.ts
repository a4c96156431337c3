import type { SessionSlot } from './http/http-sessions.ts'
import { denied, readAssignments } from './guard/read-only-guard.ts'
import type { SettingsPolicy } from './guard/settings-policy.ts'
import { identifierName, tokenize } from './sql/sql-lexer.ts'

/** What an analyst's session remembers: it has no tables, and its queries run wherever there is room. */
export type AnalystSession = SessionSlot & {
  settings(): ReadonlyMap<string, string>
  database(): string | undefined
  /** Takes over what a rendered SET or USE says. Throws READONLY for a setting that is not an analyst's. */
  change(canonical: string): void
}

export function createAnalystSession(policy: SettingsPolicy): AnalystSession {
  const settings = new Map<string, string>()
  let database: string | undefined

  function set(name: string, value: string): void {
    if (value.includes('\\')) throw denied(`a value with a backslash for ${name}`)
    // Back to the port's own value, whatever the engine's default is.
    if (value === 'DEFAULT') return void settings.delete(name)
    policy.check(name, value)
    const admitted = policy.admit(new Map([[name, value]])).get(name)
    if (admitted === undefined) settings.delete(name)
    else settings.set(name, admitted)
  }

  return {
    settings: () => settings,
    database: () => database,
    holdsState: () => settings.size > 0 || database !== undefined,
    close: () => undefined,
    change(canonical) {
      const tokens = [...tokenize(canonical)]
      const [verb, name] = tokens
      if (verb?.text === 'SET') for (const [setting, value] of readAssignments(tokens, 1)) set(setting, value)
      else if (verb?.text === 'USE' && name !== undefined && tokens.length === 2) database = identifierName(name)
      else throw denied('SET and USE in an unknown form')
    },
  }
}
