import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// `npm run check`: what must hold before a commit. The steps run side by side; a failing one prints what it said.

const root = fileURLToPath(new URL('..', import.meta.url))
const steps = [
  { name: 'format', command: ['oxfmt', '--check', '.'], hint: 'npm run format' },
  { name: 'lint', command: ['oxlint', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '--noEmit', '-p', '.'] },
  { name: 'unit tests', command: ['vitest', 'run', '--project', 'unit'] },
]

const startedAt = Date.now()
const results = await Promise.all(steps.map(runStep))
for (const { name, hint, passed, output } of results)
  if (!passed) process.stdout.write(`\n${name} failed${hint ? ` (${hint})` : ''}:\n${output}\n`)
process.stdout.write(`${results.every((step) => step.passed) ? 'check passed' : 'check failed'} in ${seconds(startedAt)}\n`)
process.exitCode = results.every((step) => step.passed) ? 0 : 1

async function runStep(step) {
  const began = Date.now()
  const [tool, ...args] = step.command
  const child = spawn(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const passed = await new Promise((done) => {
    child.once('error', (error) => {
      output += error.message
      done(false)
    })
    child.once('close', (code) => done(code === 0))
  })
  process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${step.name} (${seconds(began)})\n`)
  return { ...step, passed, output }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
