import { writeSync } from 'node:fs'
import { type FailpointName, failpoint } from '../failpoint.ts'

/** Passes one failpoint again and again, and writes the number of each time it came through. */
const [name, times] = process.argv.slice(2)
for (let time = 1; time <= Number(times); time++) {
  failpoint(name as FailpointName)
  writeSync(1, String(time))
}
