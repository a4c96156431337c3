import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noteServedProject, servedProjectDir } from './served-project.ts'

let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hindsight-served-project-'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

test('a command reads the project that it is told, or the last that was served on its data directory', async () => {
  await expect(servedProjectDir({ dataDir })).rejects.toMatchObject({ code: 'invalid_config', path: '--project' })
  expect(await servedProjectDir({ dataDir, project: 'mine' })).toBe('mine')
  await noteServedProject(dataDir, 'first')
  await noteServedProject(dataDir, 'second')
  expect(await servedProjectDir({ dataDir })).toBe(resolve('second'))
  expect(await servedProjectDir({ dataDir, project: 'mine' })).toBe('mine')
})
