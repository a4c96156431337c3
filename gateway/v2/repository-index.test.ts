import { expect, it } from 'vitest'
import { v2RepositoryIndex } from '../../contracts/v2.ts'
import { createTestAccess } from '../testing/test-access.ts'
import { start } from '../testing/v2-requests.ts'

const path = '/v2/repository/index'
const ready = ['1', '2', '3'].map((version) => ({ name: 'parcel-delay', version, state: 'READY', reason: '' }))
const refused = { name: 'parcel-delay', version: '4', state: 'UNAVAILABLE', reason: expect.stringContaining('external data') as string }

it.each<[string, string | undefined, Record<string, string>]>([
  ['no body', undefined, {}],
  ['an empty body', '', { 'content-type': 'application/json' }],
  ['an empty object', '{}', {}],
  ['what is not asked to be ready', '{"ready": false}', { 'content-type': 'application/json' }],
  ['null', '{"ready": null, "repository_name": "any"}', { 'content-type': 'application/octet-stream' }],
])('lists every version and why it is not served: with %s', async (_, body, headers) => {
  const { app } = await start()
  const response = await app.request(path, { method: 'POST', headers, ...(body !== undefined && { body }) })
  expect([response.status, v2RepositoryIndex.parse(await response.json())]).toEqual([200, [...ready, refused]])
})

it('lists only what can be asked now, if so asked', async () => {
  const { send } = await start({ broken: ['2'] })
  const all = v2RepositoryIndex.parse(await (await send(path, {})).json())
  expect(all.map(({ version, state }) => [version, state])).toEqual([
    ['1', 'READY'],
    ['2', 'UNAVAILABLE'],
    ['3', 'READY'],
    ['4', 'UNAVAILABLE'],
  ])
  expect(await (await send(path, { ready: true })).json()).toEqual([ready[0], ready[2]])
})

it('says of a version that the deployment does not hold in memory that it is unloaded, until it does', async () => {
  const { send, deployer } = await start({ deployment: { loaded: 'deployed', shadows: [] } })
  const index = async () => v2RepositoryIndex.parse(await (await send(path, {})).json())
  const unloaded = { state: 'UNAVAILABLE', reason: 'unloaded' }
  expect(await index()).toEqual([ready[0], { ...ready[1], ...unloaded }, { ...ready[2], ...unloaded }, refused])
  expect(await (await send(path, { ready: true })).json()).toEqual([ready[0]])
  await deployer.change('parcel-delay', { reason: 'a test', champion: '3', loaded: 'deployed' }, 'ana')
  await expect.poll(index).toEqual([{ ...ready[0], ...unloaded }, { ...ready[1], ...unloaded }, ready[2], refused])
})

it('says what is wrong with what it is asked', async () => {
  const { send, app } = await start()
  expect((await send(path, { ready: 'yes' })).status).toBe(400)
  expect((await send(path, '[')).status).toBe(400)
  expect((await app.request(path)).status).toBe(405)
})

it('asks who calls', async () => {
  const { app } = await start({ access: createTestAccess({ apiKey: 'secret' }) })
  expect((await app.request(path, { method: 'POST' })).status).toBe(401)
  expect((await app.request(path, { method: 'POST', headers: { authorization: 'Bearer secret' } })).status).toBe(200)
})
