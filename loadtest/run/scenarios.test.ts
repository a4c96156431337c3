import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkParity } from './parity.ts'
import type { Run } from './scenario.ts'
import { scenarios } from './scenarios.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const source = readFileSync(new URL('./scenarios.ts', import.meta.url), 'utf8')

it.each(Object.keys(scenarios))('%s stands in the README', (name) => {
  expect(readme).toContain(`| \`${name}\` |`)
})

it('every script of k6 is run by some scenario', () => {
  const scripts = readdirSync(new URL('../scenarios/', import.meta.url)).filter((file) => file !== 'predict.ts')
  expect(scripts.length).toBeGreaterThan(2)
  for (const script of scripts) expect(source).toContain(`runK6('${script.replace('.ts', '')}'`)
})

const run = (counts: Run['counts']): Run => ({ counts })
const target = (rows: number) => ({ warehouse: { query: async () => [{ n: `${rows}` }] } }) as unknown as Parameters<typeof checkParity>[0]

it.each([
  [100, true],
  [101, false],
])('%i rows for 100 answers: %s', async (rows, holds) => {
  const runs = [run({ answered: 60, refused: 5, sent: 65 }), run({ answered: 40, refused: 0, sent: 40 })]
  expect((await checkParity(target(rows), { tag: 't', runs })).holds).toBe(holds)
})
