import { ensureInstalled, requireNodeVersion } from './install.js'

// `npm start` is this one process, so that Ctrl-C and SIGTERM reach the supervisor and its exit status reaches npm.
requireNodeVersion()
ensureInstalled({ dev: false })
process.argv.splice(2, 0, 'up', '--demo')
await import('./hindsight.js')
