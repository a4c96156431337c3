import { runKillRounds } from './kill-rounds-chdb.ts'

/** `node --import=#typescript embedded-warehouse/testing/kill-test.ts [rounds]`: exit status 1 when anything confirmed is missing. */
const rounds = Number(process.argv[2] ?? 50)
const report = await runKillRounds(rounds, (round, { confirmedBatches }) => {
  process.stdout.write(`round ${round}: ${confirmedBatches} batches confirmed before it\n`)
})
process.stdout.write(
  `${report.rounds} kills, ${report.confirmedBatches} confirmed batches, ${report.missingBatches.length} missing, slowest start ${report.slowestOpenMs.toFixed(0)} ms\n`,
)
process.exitCode = report.missingBatches.length === 0 ? 0 : 1
