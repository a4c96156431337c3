#!/usr/bin/env node
import { ensureInstalled, requireNodeVersion } from './install.js'

requireNodeVersion()
if (!canResolve('@swc/wasm-typescript')) ensureInstalled({ dev: false })
await import('#typescript')
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
