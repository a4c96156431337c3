import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createRandom } from './testing/random.ts'
import { compareUnpaired, type RoutedRow } from './unpaired.ts'

type Case = {
  revision: number[]
  challenger: number[]
  key: number[]
  probability: number[]
  value: number[]
  difference: [number, number, number]
}

// By testing/reference.py, which names the versions: Hájek's means over NumPy's arrays, influences taken numerically.
const { unpaired } = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as { unpaired: Case[] }
const versions = { champion: '1', challenger: '2' }

test.each(unpaired)('equals the reference', ({ revision, challenger, key, probability, value, difference }) => {
  const rows = value.map((each, row) => ({
    version: challenger[row] === 1 ? '2' : '1',
    value: each,
    routeProbability: probability[row]!,
    revision: String(revision[row]),
    stickyKey: String(key[row]),
  }))
  const { difference: found } = compareUnpaired(rows, versions)
  for (const [end, expected] of [
    [found.value, difference[0]],
    [found.lower, difference[1]],
    [found.upper, difference[2]],
  ] as const)
    expect(Math.abs(end! - expected)).toBeLessThan(1e-8)
})

/** Keys of five decisions each, of which a fifth goes to the challenger, whose values are lower by `effect`. */
function routed(keys: number, { effect = 0.5, share = 0.2, seed = 3 } = {}): RoutedRow[] {
  const { uniform, normal } = createRandom(seed)
  return Array.from({ length: keys }, (_, key) => key).flatMap((key) => {
    const isChallenger = uniform() < share
    const ofKey = normal()
    return Array.from({ length: 5 }, () => ({
      version: isChallenger ? '2' : '1',
      value: ofKey + normal() - (isChallenger ? effect : 0),
      routeProbability: isChallenger ? 0.2 : 0.8,
      revision: 'r1',
      stickyKey: `k${key}`,
    }))
  })
}

describe('unpaired', () => {
  test('is as unsure as keys are, not as decisions are', () => {
    const rows = routed(1000)
    const { difference, keys } = compareUnpaired(rows, versions)
    const alone = compareUnpaired(
      rows.map((row, index) => ({ ...row, stickyKey: `${index}` })),
      versions,
    )
    expect(keys.both).toBe(0)
    expect(difference.upper! - difference.lower!).toBeGreaterThan(1.5 * (alone.difference.upper! - alone.difference.lower!))
  })

  test('leaves out pinned requests, other versions, and decisions without a probability or a value', () => {
    const rows = routed(200)
    const added: RoutedRow[] = [
      { ...rows[0]!, pinned: true, value: 1e9 },
      { ...rows[0]!, version: '3', value: 1e9 },
      { ...rows[0]!, routeProbability: 0 },
      { ...rows[0]!, value: NaN },
      { ...rows[0]!, revision: 'r2', value: 1e9 },
    ]
    const { difference, left_out: leftOut } = compareUnpaired([...rows, ...added], versions)
    expect(difference).toEqual(compareUnpaired(rows, versions).difference)
    expect(leftOut).toEqual({ pinned: 1, other_version: 1, no_probability: 1, no_value: 1, one_version: 1 })
  })

  test('warns where keys do not divide as they were routed', () => {
    expect(compareUnpaired(routed(2000), versions).warnings).toEqual([])
    const uneven = compareUnpaired(routed(2000, { share: 0.3 }), versions)
    expect(uneven.warnings).toEqual(['keys_do_not_divide_as_routed'])
    expect(uneven.division_probability).toBeLessThan(0.001)
  })

  test('warns where keys went to both versions within a revision', () => {
    const rows = routed(2000).map((row, index) => ({ ...row, stickyKey: index % 50 < 5 ? 'robot' : row.stickyKey }))
    expect(compareUnpaired(rows, versions)).toMatchObject({ warnings: [], keys: { both: 1 } })
    const jumping = routed(2000).map((row, index) => (index % 5 === 0 ? { ...row, version: '2', routeProbability: 0.2 } : row))
    expect(compareUnpaired(jumping, versions).warnings).toContain('keys_went_to_both')
  })

  test('has no interval of one key, and no figure of one version', () => {
    const one = routed(200).map((row) => ({ ...row, stickyKey: 'k' }))
    expect(compareUnpaired(one, versions).difference.method).toBe('too_few_clusters')
    const champion = routed(200).filter(({ version }) => version === '1')
    expect(compareUnpaired(champion, versions)).toMatchObject({
      difference: { n: 0, method: 'none' },
      left_out: { one_version: champion.length },
    })
    expect(compareUnpaired([], versions).difference).toEqual({ n: 0, method: 'none' })
  })
})
