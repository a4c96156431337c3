import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deploymentState } from '../../contracts/deployment.ts'
import { createAdminApp } from '../admin/admin-app.ts'
import { listen, type Listener } from '../http/listen.ts'
import { runCommand as run } from '../testing/run-command.ts'
import { createTestAccess, createTestKey } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { addDeploymentRoutes } from './routes.ts'

const admin = createTestKey({ scopes: ['admin'], name: 'operator' })

let listener: Listener
beforeEach(async () => {
  const { deployer } = await createTestGateway({ now: () => Date.parse('2001-06-04T12:00:00Z') })
  const clocks = { now: Date.now, tick: () => performance.now(), newId: () => 'id' }
  const deps = {
    ...clocks,
    access: createTestAccess({ keys: [admin.key] }),
    host: '127.0.0.1',
    version: '0',
    logger: pino({ level: 'silent' }),
  }
  listener = await listen(createAdminApp(deps, (routes) => addDeploymentRoutes(routes, deployer)).fetch, { host: '127.0.0.1', port: 0 })
  vi.stubEnv('HINDSIGHT_ADMIN_URL', listener.url)
  vi.stubEnv('HINDSIGHT_API_KEY', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await listener.close({ withinMs: 1_000 })
})

const deploy = (...args: string[]) => run('deploy', 'parcel-delay', ...args)

describe('hindsight deploy', () => {
  it('shows what stands', async () => {
    expect(await deploy()).toBe('parcel-delay: revision 3: champion 1, shadow 2; project\n')
  })

  it('changes it, under the name of the key, and keeps what is not about versions', async () => {
    vi.stubEnv('HINDSIGHT_API_KEY', admin.authorization.replace('Bearer ', ''))
    const changed = await deploy('--champion', '3', '--challenger', '1=10%', '2=0.25', '--sticky-key', 'sender', '--reason', 'it is better')
    expect(changed).toBe(
      [
        'parcel-delay: revision 4: champion 3, challenger 1 (10 %), challenger 2 (25 %); operator, 2001-06-04T12:00:00.000Z: it is better',
        '  before: revision 3: champion 1, shadow 2; project\n',
      ].join('\n'),
    )
    const { deployment } = deploymentState.parse(JSON.parse(await deploy('--champion', '2', '--reason', 'no', '--json')))
    expect(deployment).toMatchObject({ revision: 5, champion: '2', challengers: [], shadows: [], sticky_key: 'sender' })
  })

  it('wants a reason, and shares that are shares', async () => {
    await expect(deploy('--champion', '3')).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('--reason') })
    await expect(deploy('--shadow', '3', '--reason', 'r')).rejects.toMatchObject({ message: expect.stringContaining('--champion') })
    await expect(deploy('--champion', '1', '--challenger', '3=120%', '--reason', 'r')).rejects.toMatchObject({
      code: 'invalid_request',
      path: 'challengers[0].weight',
    })
  })

  it('fails with what the gateway says', async () => {
    await expect(deploy('--champion', '4', '--reason', 'r')).rejects.toMatchObject({ code: 'unknown_version', path: 'champion' })
    await expect(run('deploy', 'parcel', '--champion', '1', '--reason', 'r')).rejects.toMatchObject({ code: 'unknown_model' })
  })
})

describe('hindsight rollback', () => {
  const rollback = (...args: string[]) => run('rollback', 'parcel-delay', ...args)

  it('goes back to the revision before, or to a named one, as a new one', async () => {
    await deploy('--champion', '2', '--reason', 'a')
    await deploy('--champion', '3', '--reason', 'b')
    expect(await rollback()).toContain('revision 6: champion 2; local, 2001-06-04T12:00:00.000Z: back to revision 4\n')
    expect(await rollback('--to', '3', '--reason', 'all was well')).toContain(
      'revision 7: champion 1, shadow 2; local, 2001-06-04T12:00:00.000Z: all',
    )
  })

  it('says when there is nothing to go back to', async () => {
    await expect(rollback()).rejects.toMatchObject({ code: 'not_found' })
    await expect(rollback('--to', '9')).rejects.toMatchObject({ code: 'not_found' })
  })
})
