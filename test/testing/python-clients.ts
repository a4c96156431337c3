import { fileURLToPath } from 'node:url'
import { preparePython, type PythonEnvironment } from './python-environment.ts'

const folder = fileURLToPath(new URL('../v2/', import.meta.url))

/** Prepares the pinned clients that judge the protocol; they are installed, in a minute or two, with REQUIRE_SERVICES=1 alone. */
export function preparePythonClients(): PythonEnvironment {
  // They take half a gigabyte, which is not for whoever only runs the tests.
  const install = process.env['REQUIRE_SERVICES'] === '1'
  const found = preparePython(folder, { install, saying: 'installing the Python clients that judge the Open Inference Protocol' })
  return install || !('missing' in found)
    ? found
    : { missing: 'not installed; REQUIRE_SERVICES=1 npm run test:full installs them (560 MB)' }
}
