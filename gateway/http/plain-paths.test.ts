import { expect, it } from 'vitest'
import { createPlainPaths, isPlainHost } from './plain-paths.ts'

const paths = createPlainPaths<string>()
paths.add('/v1/models/:model/predict', 'predict')
paths.add('/v2/models/:model/versions/:version/infer', 'infer')

it.each([
  ['/v1/models/flight-delay/predict', 'predict', ['flight-delay']],
  ['/v2/models/flight_delay/versions/2.1/infer', 'infer', ['flight_delay', '2.1']],
])('finds %s', (target, found, values) => {
  expect(paths.find(target)).toEqual({ found, values })
})

it.each([
  '/v1/models/flight-delay/predict?x=1',
  '/v1/models/flight-delay/predict/',
  '/v1/models/flight%2Ddelay/predict',
  '/v1/models/../predict',
  '/v1/models//predict',
  '/v1/models/a/b/predict',
  '/v1/models/é/predict',
  'http://x/v1/models/flight-delay/predict',
  '//v1/models/flight-delay/predict',
  '/v1/models/flight-delay/predict\n',
  '*',
  '',
])('leaves %j to a URL', (target) => {
  expect(paths.find(target)).toBeUndefined()
})

it.each([
  [undefined, true],
  ['localhost', true],
  ['127.0.0.1:8080', true],
  ['gateway.example.com:443', true],
  ['', false],
  ['host:0', false],
  ['host:70000', false],
  ['a b', false],
  ['[::1]:8080', false],
  ['user@host', false],
  ['host/path', false],
  ['host:port', false],
])('the host %j is plain: %s', (host, plain) => {
  expect(isPlainHost(host)).toBe(plain)
})
