import { expect, it } from 'vitest'
import { compareWithFeast, feastShapes, nameShape, type Shape, summariseShape, toBodies, toRate } from './shapes.ts'

const round = (p99Ms: number, failed = 0) => ({ perSecond: 100, p50Ms: 1, p99Ms, failed, sent: 10 })
const roundOf = (hindsight: number, feast: number) =>
  Object.fromEntries(
    feastShapes.flatMap((shape) => [
      [nameShape(shape), round(feast * shape.rows)],
      [nameShape({ ...shape, server: 'hindsight' }), round(hindsight * shape.rows)],
    ]),
  )

it('divides by what the gateway took for the same shape in the same round', () => {
  const compared = compareWithFeast([roundOf(2, 4), roundOf(2, 12), roundOf(1, 4)])
  expect(compared.map(({ rows, times }) => ({ rows, times }))).toEqual(
    [1, 100].map((rows) => ({ rows, times: { median: 4, min: 2, max: 6 } })),
  )
})

it('counts what failed in any round', () => {
  expect(summariseShape([round(1, 2), round(3, 1)])).toMatchObject({ p99Ms: { median: 2, min: 1, max: 3 }, failed: 3, sent: 20 })
})

it('asks for as many rows as the shape has, of entities that differ', () => {
  const shape: Shape = { server: 'hindsight', features: 50, rows: 100 }
  const { instances } = JSON.parse(toBodies(shape, [])[0] as string) as { instances: { entities: { shop: string } }[] }
  expect(new Set(instances.map(({ entities }) => entities.shop)).size).toBe(100)
  const feast = JSON.parse(toBodies({ ...shape, server: 'feast', rows: 1 }, ['a', 'b'])[0] as string) as object
  expect(feast).toEqual({ features: ['a', 'b'], entities: { shop: ['shop-0'] } })
})

it('lowers the rate to what a server keeps up with', () => {
  expect([toRate(1_000, 100), toRate(50, 100), toRate(0.5, 100)]).toEqual([100, 35, 1])
})
