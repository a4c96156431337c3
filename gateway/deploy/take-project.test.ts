import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../contracts/deployment.ts'
import type { ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const name = 'parcel-delay'

/** The gateway, and what its folder holds after a change. */
async function start(options: Parameters<typeof createTestGateway>[0] = {}) {
  const gateway = await createTestGateway(options)
  const { projectModel: project } = gateway.models.get(name)!
  const take = (changed: Partial<ProjectModel>) => gateway.deployer.takeProject({ models: new Map([[name, { ...project, ...changed }]]) })
  const withVersion = (version: string, copied = project.versions.get('1')!): Partial<ProjectModel> => ({
    versions: new Map<string, ProjectVersion>([...project.versions, [version, { ...copied, version }]]),
  })
  const without = (version: string): Partial<ProjectModel> => ({
    versions: new Map([...project.versions].filter(([known]) => known !== version)),
  })
  const withDeployment = (changed: Partial<Deployment>) => ({ deployment: { ...project.deployment, ...changed } })
  const served = () => [...gateway.models.get(name)!.versions.keys()]
  const standing = () => gateway.models.get(name)!.deployment
  return { ...gateway, project, take, withVersion, without, withDeployment, served, standing }
}

describe('a project folder that changed', () => {
  it('gives new versions, which can be pinned and deployed', async () => {
    const gateway = await start()
    await gateway.take(gateway.withVersion('10'))
    expect(gateway.served()).toEqual(['1', '2', '3', '10'])
    expect(gateway.standing().revision).toBe(3)
    const { deployment } = await gateway.deployer.change(name, { champion: '10', reason: 'a test' }, 'ana')
    expect(deployment.champion).toBe('10')
  })

  it('says of a new version that does not hold why it is refused', async () => {
    const gateway = await start({ broken: ['10'] })
    await gateway.take(gateway.withVersion('10'))
    expect(gateway.served()).toEqual(['1', '2', '3'])
    expect(gateway.models.get(name)!.refused.get('10')).toBe('the file is damaged')
  })

  it('takes versions that went, unless the deployment names them', async () => {
    const gateway = await start()
    await gateway.take(gateway.without('3'))
    await expect.poll(() => [...gateway.engine.sessions]).toEqual([`${name}/1`, `${name}/2`])
    await gateway.take(gateway.without('1'))
    expect(gateway.served()).toContain('1')
  })

  it('keeps a version whose bytes were changed under its name', async () => {
    const gateway = await start()
    const changed = { ...gateway.project.versions.get('1')!, modelSha256: 'f'.repeat(64) }
    await gateway.take(gateway.withVersion('1', changed))
    expect(gateway.models.get(name)!.versions.get('1')!.facts.model_sha256).toBe('a'.repeat(64))
  })

  it('brings a deployment.yaml of a higher revision into force, and no other', async () => {
    const gateway = await start()
    await gateway.take(gateway.withDeployment({ champion: '3', revision: 3 }))
    expect(gateway.standing()).toMatchObject({ revision: 3, champion: '1' })
    await gateway.take(gateway.withDeployment({ champion: '3', shadows: ['3'], revision: 4 }))
    expect(gateway.standing()).toMatchObject({ revision: 3, champion: '1' })
    await gateway.take(gateway.withDeployment({ champion: '3', revision: 4 }))
    expect(gateway.standing()).toMatchObject({ revision: 4, champion: '3' })
    await gateway.deployer.change(name, { champion: '2', reason: 'a test' }, 'ana')
    await gateway.take(gateway.withDeployment({ champion: '1', revision: 5 }))
    expect(gateway.standing()).toMatchObject({ revision: 5, champion: '2' })
  })

  it('is waited for when its deployment cannot be served yet; a change comes after it', async () => {
    const gateway = await start()
    await gateway.take(gateway.withDeployment({ champion: '10', shadows: [], revision: 8 }))
    expect((await gateway.deployer.state(name)).waiting).toMatchObject({ deployment: { revision: 8 } })
    await gateway.take({ ...gateway.withVersion('10'), ...gateway.withDeployment({ champion: '10', shadows: [], revision: 8 }) })
    expect(gateway.standing()).toMatchObject({ revision: 8, champion: '10' })
    await gateway.take(gateway.withDeployment({ champion: '4', shadows: [], revision: 20 }))
    expect((await gateway.deployer.change(name, { champion: '2', reason: 'a test' }, 'ana')).deployment.revision).toBe(21)
  })

  it('goes on with what was when a definition changed', async () => {
    const gateway = await start()
    await gateway.take({ ...gateway.withVersion('10'), definitionSha256: 'f'.repeat(64) })
    expect(gateway.served()).toEqual(['1', '2', '3'])
    await gateway.deployer.takeProject({ models: new Map() })
    expect(gateway.served()).toEqual(['1', '2', '3'])
  })
})
