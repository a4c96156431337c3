import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { partitionCount, type ScannableOnlineStore } from './online-store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : new TextDecoder().decode(value))

/** The tests that every online store passes. `open` gives an empty one; `close` is called on what it gave. */
export function onlineStoreContract(name: string, open: () => Promise<ScannableOnlineStore>): void {
  describe(name, () => {
    let store: ScannableOnlineStore

    beforeEach(async () => {
      store = await open()
    })
    afterEach(async () => {
      await store.close()
    })

    test('reads what was committed, in the order of the keys, and nothing for a key that is not there', async () => {
      await store.commit([
        { partition: 1, values: new Map([['a', bytes('1')]]), applied: [] },
        { partition: 2, values: new Map([['a', bytes('2')]]), applied: [] },
      ])
      const { values } = await store.read([
        { partition: 2, key: 'a' },
        { partition: 1, key: 'missing' },
        { partition: 1, key: 'a' },
      ])
      expect(values.map(text)).toEqual(['2', undefined, '1'])
    })

    test('deletes a key committed as undefined', async () => {
      await store.commit([{ partition: 1, values: new Map([['a', bytes('1')]]), applied: [] }])
      await store.commit([{ partition: 1, values: new Map([['a', undefined]]), applied: [] }])
      expect((await store.read([{ partition: 1, key: 'a' }])).values).toEqual([undefined])
    })

    test('keeps bytes as they are, also after the caller reuses the array', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, index) => index)
      await store.commit([
        {
          partition: 0,
          values: new Map([
            ['all', value],
            ['empty', new Uint8Array()],
          ]),
          applied: [],
        },
      ])
      const expected = [...value]
      value.fill(0)
      const { values } = await store.read([
        { partition: 0, key: 'all' },
        { partition: 0, key: 'empty' },
      ])
      expect([...(values[0] ?? [])]).toEqual(expected)
      expect(values[1]?.length).toBe(0)
    })

    test('a value that was read stays as it was while others are read and written', async () => {
      await store.commit([{ partition: 0, values: new Map([['a', bytes('before')]]), applied: [] }])
      const first = await store.read([{ partition: 0, key: 'a' }])
      await store.commit([{ partition: 0, values: new Map([['a', bytes('after!')]]), applied: [] }])
      await store.read([{ partition: 0, key: 'a' }])
      expect(text(first.values[0])).toBe('before')
    })

    test('takes keys of any characters', async () => {
      const keys = ['a|b:c', 'ünï', '\u{1F600}', 'it"s \\ odd', `long ${'x'.repeat(600)}`]
      await store.commit([{ partition: 63, values: new Map(keys.map((key) => [key, bytes(key)])), applied: [] }])
      const { values } = await store.read(keys.map((key) => ({ partition: 63, key })))
      expect(values.map(text)).toEqual(keys)
    })

    test('positions only rise, per writer and epoch, and come with the values', async () => {
      const at = (seq: number, epoch = 1) => ({ writer_id: 'gateway', epoch, seq })
      await store.commit([{ partition: 3, values: new Map([['a', bytes('1')]]), applied: [at(5)] }])
      await store.commit([{ partition: 3, values: new Map(), applied: [at(4), at(2, 2)] }])
      const { applied } = await store.read([{ partition: 3, key: 'a' }])
      expect(applied).toEqual(expect.arrayContaining([at(5), at(2, 2)]))
      expect(applied).toHaveLength(2)
    })

    test('says of several partitions what all of them have applied', async () => {
      const at = (writer: string, seq: number) => ({ writer_id: writer, epoch: 1, seq })
      await store.commit([
        { partition: 1, values: new Map(), applied: [at('a', 5), at('b', 1)] },
        { partition: 2, values: new Map(), applied: [at('a', 3)] },
      ])
      const read = await store.read([
        { partition: 1, key: 'x' },
        { partition: 2, key: 'x' },
      ])
      expect(read.applied).toEqual([at('a', 3)])
      expect(await store.applied()).toEqual([])
    })

    test('applied() is what every partition has', async () => {
      const applied = [{ writer_id: 'gateway', epoch: 2, seq: 7 }]
      await store.commit(Array.from({ length: partitionCount }, (_, partition) => ({ partition, values: new Map(), applied })))
      expect(await store.applied()).toEqual(applied)
    })

    test('scans every key of one partition, page by page', async () => {
      const keys = Array.from({ length: 25 }, (_, index) => `key ${index}`)
      await store.commit([
        { partition: 4, values: new Map(keys.map((key) => [key, bytes(key)])), applied: [{ writer_id: 'w', epoch: 1, seq: 1 }] },
        { partition: 40, values: new Map([['other', bytes('x')]]), applied: [] },
      ])
      const found: string[] = []
      let after: string | undefined
      do {
        const page = await store.scan(4, { after, maxKeys: 10 })
        found.push(...page.keys)
        after = page.next
      } while (after !== undefined)
      expect(found.toSorted()).toEqual(keys.toSorted())
    })

    test('clear removes values and positions', async () => {
      await store.commit([{ partition: 1, values: new Map([['a', bytes('1')]]), applied: [{ writer_id: 'w', epoch: 1, seq: 1 }] }])
      await store.clear()
      expect(await store.read([{ partition: 1, key: 'a' }])).toEqual({ values: [undefined], applied: [] })
      await store.ping()
    })
  })
}
