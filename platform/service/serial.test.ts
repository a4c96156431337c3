import { expect, test } from 'vitest'
import { createSerial } from './serial.ts'

test('work runs in the order it was asked for, one at a time, past what fails', async () => {
  const inTurn = createSerial()
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await Promise.resolve()
    steps.push(`${name} ends`)
    if (name === 'first') throw new Error('no')
    return name
  }
  const results = await Promise.allSettled([inTurn(work('first')), inTurn(work('second'))])
  expect(steps).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  expect(results).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'second' }])
})
