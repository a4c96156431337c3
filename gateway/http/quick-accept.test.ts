import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { predictBatchRequest, predictRequest } from '../../contracts/http.ts'
import { v2InferRequest } from '../../contracts/v2.ts'
import { createQuickAccept, notAccepted } from './quick-accept.ts'

const text = (max: number) => fc.oneof(fc.string({ maxLength: max }), fc.string({ unit: 'binary', maxLength: max }))
const column = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/)
const id = fc.oneof(fc.stringMatching(/^[ -~]{1,20}$/), fc.constant('é'.repeat(128)))
const scalar = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), text(20), fc.boolean())
const time = fc.constantFrom('2001-06-04T12:00:00Z', '2000-02-29T23:59:59.123456+14:00', '1900-01-01T00:00:00-00:00')

const instance = {
  entities: fc.dictionary(column, fc.oneof(id, fc.maxSafeInteger())),
  anchor: column,
  anchor_time: time,
  features: fc.dictionary(column, scalar),
  tags: fc.array(fc.string({ minLength: 1, maxLength: 64 }), { maxLength: 16 }),
}
const options = fc.record(
  { version: fc.constantFrom('1', '2.1'), return_features: fc.boolean(), timeout_ms: fc.integer({ min: 1 }) },
  { requiredKeys: [] },
)
const one = fc.record({ request_id: id, ...instance, options }, { requiredKeys: [] })
const many = fc.record(
  { request_id: id, instances: fc.array(fc.record(instance, { requiredKeys: [] }), { minLength: 1, maxLength: 5 }), options },
  { requiredKeys: ['instances'] },
)

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value)
const parameters = orNull(
  fc.dictionary(
    fc.string({ maxLength: 64 }).filter((key) => key !== '__proto__'),
    orNull(scalar),
  ),
)
const tensor = fc.record(
  {
    name: fc.string({ minLength: 1, maxLength: 256 }),
    shape: fc.array(fc.nat(), { maxLength: 8 }),
    datatype: fc.constantFrom('FP32', 'INT64', 'BYTES', 'BOOL'),
    parameters,
    data: orNull(fc.array(fc.oneof(scalar, fc.array(scalar)))),
  },
  { requiredKeys: ['name', 'shape', 'datatype'] },
)
const infer = fc.record(
  {
    id: orNull(fc.oneof(id, fc.constant(''))),
    parameters: orNull(
      fc.record(
        { binary_data_output: orNull(fc.boolean()), anchor_time: orNull(time), timeout: fc.nat(), another: scalar },
        { requiredKeys: [] },
      ),
    ),
    model_name: orNull(fc.string()),
    inputs: fc.array(tensor, { minLength: 1, maxLength: 4 }),
    outputs: orNull(fc.array(fc.record({ name: fc.string({ minLength: 1 }), parameters }, { requiredKeys: ['name'] }))),
  },
  { requiredKeys: ['inputs'] },
)

const bodies = [
  { name: 'predictRequest', schema: predictRequest, good: one },
  { name: 'predictBatchRequest', schema: predictBatchRequest, good: many },
  { name: 'v2InferRequest', schema: v2InferRequest, good: infer },
] as const

/** The value as it would arrive. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const odd = fc.oneof(
  fc.jsonValue(),
  scalar,
  fc.constantFrom<unknown[]>(
    null,
    0,
    1.5,
    -1,
    2 ** 53,
    2 ** 31,
    1e300,
    '',
    ' ',
    '\u0000',
    '2001-02-29T00:00:00Z',
    '2300-01-01T00:00:00Z',
    [],
    {},
  ),
  fc.string({ minLength: 65, maxLength: 1_100 }),
  fc.array(fc.constant('x'), { minLength: 17, maxLength: 70 }),
)

/** Puts something else in one place of a value, or under a name that was not there. */
function broken(value: unknown, [where, put]: readonly [number, unknown], name: string): unknown {
  if (typeof value !== 'object' || value === null || where % 5 === 4) return put
  const keys = Object.keys(value)
  if (where % 7 === 6 || keys.length === 0) return Array.isArray(value) ? [...value, put] : { ...value, [name]: put }
  const key = keys[where % keys.length] as keyof typeof value
  const changed = broken(value[key], [Math.floor(where / 3), put], name)
  return Array.isArray(value) ? value.map((item: unknown, index) => (String(index) === key ? changed : item)) : { ...value, [key]: changed }
}

describe.each(bodies)('$name', ({ schema, good }) => {
  const accept = createQuickAccept(schema)

  it('is accepted when it is good, and comes to what zod makes of it', () => {
    const property = fc.property(good as fc.Arbitrary<unknown>, (body) => {
      const value = sent(body)
      const before = structuredClone(value)
      expect(accept(value)).toEqual(schema.parse(value))
      expect(value).toEqual(before)
    })
    fc.assert(property, { numRuns: 150 })
  })

  it('is never accepted when zod refuses it, whatever is wrong', () => {
    let refused = 0
    const names = fc.oneof(column, fc.constantFrom('Weight!', 'constructor', 'toString', 'options', 'data'), fc.string())
    const property = fc.property(good as fc.Arbitrary<unknown>, fc.nat(), odd, names, (body, where, put, name) => {
      const value = sent(broken(body, [where, put], name))
      const accepted = accept(value)
      const byZod = schema.safeParse(value)
      if (!byZod.success) refused++
      if (accepted !== notAccepted) expect([byZod.success, accepted]).toEqual([true, byZod.data])
    })
    fc.assert(property, { numRuns: 600 })
    expect(refused).toBeGreaterThan(150)
  })
})

it.each([
  ['a schema that strips', z.object({ a: z.number() }), { a: 1, b: 2 }],
  ['a prototype that is set', z.strictObject({ a: z.record(z.string(), z.number()) }), JSON.parse('{"a":{"__proto__":1}}')],
  ['a text that is changed', z.string().trim(), ' a '],
  ['a value that is made', z.coerce.number(), '7'],
  ['a format beyond its pattern', z.base64(), 'YWJj'],
  ['a check of the whole', z.strictObject({ a: z.number() }).refine(() => false), { a: 1 }],
  [
    'a check of what is optional',
    z
      .number()
      .optional()
      .refine(() => false),
    7,
  ],
  ['a check that tells more', z.number().superRefine((_, context) => context.addIssue('no')), 7],
  ['a union of which an earlier member may take it', z.union([z.string().trim(), z.string()]), ' a '],
  ['another kind', z.tuple([z.number()]), [7]],
  ['a pattern that remembers', z.string().regex(/a/g), 'a'],
])('%s is left to zod', (_, schema, value) => {
  expect(createQuickAccept(schema)(value)).toBe(notAccepted)
})
