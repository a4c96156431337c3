import { ensureInstalled, requireNodeVersion } from './install.js'

// `npm start` is this one process, in place of npm's shell (exec), so that Ctrl-C and SIGTERM reach the supervisor and
// its exit status reaches npm: a shell in between would die of the signal before the drain is over.
requireNodeVersion()
ensureInstalled({ dev: false })
process.argv.splice(2, 0, 'up', '--demo')
await import('./hindsight.js')
