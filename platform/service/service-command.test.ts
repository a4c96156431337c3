import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { serviceCommand } from './service-command.ts'

const root = mkdtempSync(join(tmpdir(), 'hindsight-runtime-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** An environment whose PATH has a Bun of this version, or none. */
function withBun(version?: string): NodeJS.ProcessEnv {
  const bin = mkdtempSync(join(root, 'bin-'))
  if (version !== undefined) writeFileSync(join(bin, 'bun'), `#!/bin/sh\necho ${version}\n`)
  if (version !== undefined) chmodSync(join(bin, 'bun'), 0o755)
  return { PATH: bin, HINDSIGHT_GATEWAY_RUNTIME: 'bun' }
}

const onNode = { command: process.execPath, args: [expect.stringMatching(/^--import=.*register\.js$/) as string] }

test.each([[{}], [{ HINDSIGHT_GATEWAY_RUNTIME: '' }], [{ HINDSIGHT_GATEWAY_RUNTIME: 'node' }]])(
  'every service runs on this Node.js, with %o',
  (env) => {
    const { command, args } = serviceCommand('gateway', env)
    expect(serviceCommand('logger', env)).toEqual(onNode)
    expect({ command, args: args.slice(0, 1) }).toEqual(onNode)
  },
)

test('the gateway has a young generation for many requests, of the size that NODE_OPTIONS says where it does', () => {
  expect(serviceCommand('gateway', {}).args).toEqual(
    expect.arrayContaining(['--max-semi-space-size=32', '--no-allocation-site-pretenuring', '--no-maglev']),
  )
  const { args } = serviceCommand('gateway', { NODE_OPTIONS: '--max-semi-space-size=16' })
  expect(args.join(' ')).not.toContain('semi-space')
})

test('this Node.js starts with what the gateway is given', () => {
  const { command, args } = serviceCommand('gateway', {})
  const { status, stdout } = spawnSync(command, [...args, '--print', 'v8.getHeapStatistics().heap_size_limit > 0'], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'true\n' })
})

test('the gateway runs on Bun where that is asked for, and the others do not', () => {
  const env = withBun('1.4.5')
  expect(serviceCommand('gateway', env)).toEqual({ command: 'bun', args: ['--no-env-file', '--no-install'] })
  expect(serviceCommand('logger', env)).toEqual(onNode)
})

test.each([
  ['no Bun', undefined, 'HINDSIGHT_GATEWAY_RUNTIME is bun, and it is neither on the PATH nor installed'],
  ['a Bun that is too old', '1.3.99', 'HINDSIGHT_GATEWAY_RUNTIME is bun, and 1.3.99 is older than 1.4.0'],
])('%s is refused, with how to have one', (_, version, message) => {
  const hint = 'npm install --no-save @oven/bun-linux-x64@latest'
  expect(() => serviceCommand('gateway', withBun(version))).toThrow(expect.objectContaining({ code: 'invalid_config', message, hint }))
})

test('a version is compared by its numbers', () => {
  expect(serviceCommand('gateway', withBun('1.10.0')).command).toBe('bun')
})

test('another runtime is refused by name', () => {
  const start = () => serviceCommand('gateway', { HINDSIGHT_GATEWAY_RUNTIME: 'deno' })
  expect(start).toThrow(
    expect.objectContaining({ code: 'invalid_config', message: 'HINDSIGHT_GATEWAY_RUNTIME: expected node or bun, got deno' }),
  )
})
