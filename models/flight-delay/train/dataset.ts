import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ServiceError } from '../../../contracts/errors.ts'

const packageName = 'vega-datasets'

/** Path of a file of the npm package vega-datasets. Throws `invalid_config` where the package is not installed. */
export function datasetFile(name: string): string {
  // The package exports none of its data files by name, so it is found as its folder.
  const folders = createRequire(import.meta.url).resolve.paths(packageName) ?? []
  const path = folders.map((folder) => join(folder, packageName, 'data', name)).find((candidate) => existsSync(candidate))
  if (path !== undefined) return path
  throw new ServiceError('invalid_config', `the flights are not installed: there is no ${packageName}/data/${name}`, {
    hint: `install it with npm i ${packageName}, or start without the demo: hindsight up --no-demo`,
  })
}
