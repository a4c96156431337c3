/** `did you mean "distance"?` for a name that is nearly one of the known ones, or else what there is. */
export function knownNames(wanted: string, known: Iterable<string>): string {
  const names = [...known].toSorted()
  if (names.length === 0) return 'there are none'
  const distances = names.map((name) => ({ name, distance: editDistance(name, wanted) })).toSorted((x, y) => x.distance - y.distance)
  const nearest = distances[0]
  if (nearest !== undefined && nearest.distance <= Math.floor(wanted.length / 3)) return `did you mean "${nearest.name}"?`
  return `there is ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution))
    }
    previous = row
  }
  return previous[b.length]!
}
