import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const repository = new URL('../', import.meta.url)

/** The package's version. */
export async function readPackageVersion(): Promise<string> {
  const text = await readFile(new URL('package.json', repository), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Which code answered, as `0.1.0+1a2b3c4d5e6f`; without the commit where the code is not in a git work tree. */
export async function readCodeVersion(packageVersion: string): Promise<string> {
  const commit = await readCommit()
  return commit === undefined ? packageVersion : `${packageVersion}+${commit}`
}

async function readCommit(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: repository })
    return stdout.trim()
  } catch {
    // Without git, or a work tree, as in a production image, the package version says enough.
    return undefined
  }
}
