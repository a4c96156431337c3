/** `known`: all that was known at the anchor. `applied`: of that, only what the online store had applied. */
export type Scope = 'known' | 'applied'

/** Whether the anchor `a` may see the fact `f`. */
export function visibleSql(scope: Scope): string {
  const known = 'f.et < a.t AND f.ka <= a.t'
  if (scope === 'known') return `${known} AND NOT ifNull(f.ra <= a.t, 0)`
  const applied = (origin: string) => `arrayExists(p -> p.1 = ${origin}.1 AND p.2 = ${origin}.2 AND p.3 >= ${origin}.3, a.features_as_of)`
  const stands = (origin: string, earlier: string) => `${applied(origin)} AND NOT arrayExists(o -> ${applied('o')}, ${earlier})`
  return `${known} AND ${stands('f.origin', 'f.earlier')} AND NOT arrayExists(w -> w.1 <= a.t AND ${stands('w.2', 'w.3')}, f.withdrawals)`
}
