#!/usr/bin/env node
import { ensureInstalled, requireNodeVersion } from './install.js'

requireNodeVersion()
if (!canResolve('tsx/esm/api')) ensureInstalled({ dev: false })
// Node.js that runs TypeScript itself does without tsx: the container image leaves out the compiler that tsx needs.
if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api')
  register()
}
const { main } = await import('./hindsight.ts')
await main(process.argv)

function canResolve(specifier) {
  try {
    import.meta.resolve(specifier)
    return true
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return false
    throw error
  }
}
