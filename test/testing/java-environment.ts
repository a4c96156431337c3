import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const installMs = 8 * 60_000

/** The class path of a driver's version, or why there is none. */
export type JavaEnvironment = { classPath: string } | { missing: string }

/** The jars that a folder's `pom.xml` asks for, in `.jars/VERSION` beside it, fetched by Maven where they are not there unless `install` is false. */
export function prepareJava(folder: string, options: { version: string; install: boolean; saying: string }): JavaEnvironment {
  const jars = join(folder, '.jars', options.version)
  if (!existsSync(jars)) {
    if (!options.install) return { missing: 'not installed' }
    if (!run('javac', ['-version'])) return { missing: 'no javac on the PATH' }
    if (!run('mvn', ['--version'])) return { missing: 'no mvn on the PATH' }
    process.stderr.write(`${options.saying}\n`)
    const fresh = mkdtempSync(join(folder, '.jars-'))
    const copy = ['-q', '-B', '-f', join(folder, 'pom.xml'), `-Dclickhouse=${options.version}`, 'dependency:copy-dependencies']
    const isCopied = run('mvn', [...copy, `-DoutputDirectory=${fresh}`]) && readdirSync(fresh).length > 0
    const isReady = isCopied && run('javac', ['-d', fresh, join(folder, 'JdbcClient.java')])
    if (!isReady) rmSync(fresh, { recursive: true, force: true })
    if (!isReady) return { missing: `the driver's version ${options.version} could not be fetched or its client not compiled` }
    mkdirSync(join(folder, '.jars'), { recursive: true })
    renameSync(fresh, jars)
  }
  return { classPath: `${jars}:${join(jars, '*')}` }
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs }).status === 0
}
