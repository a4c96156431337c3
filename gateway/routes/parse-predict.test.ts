import { expect, it } from 'vitest'
import { predictLimits } from '../../contracts/http.ts'
import { parsePredict } from './parse-predict.ts'

const instance = (features: number) => ({
  features: Object.fromEntries(Array.from({ length: features }, (_, index) => [`f${index}`, index])),
})

it('a request is bounded in the values of all its instances, as tensors are', () => {
  const width = predictLimits.elements / 8
  const instances = (count: number) => ({ instances: Array.from({ length: count }, () => instance(width)) })
  expect(parsePredict(instances(8)).instances).toHaveLength(8)
  expect(() => parsePredict(instances(9))).toThrow(expect.objectContaining({ code: 'invalid_request', path: 'instances' }))
  expect(() => parsePredict(instance(predictLimits.elements + 1))).toThrow(expect.objectContaining({ path: 'features' }))
})
