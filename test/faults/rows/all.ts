import type { Fault } from '../fault.ts'
import { clockFaults } from './clocks.ts'
import { diskFaults } from './disk.ts'
import { failpoints } from './failpoints.ts'
import { natsFaults } from './nats.ts'
import { networkFaults } from './network.ts'
import { poisonFaults } from './poison.ts'
import { powerFaults } from './power.ts'
import { processKills } from './process-kills.ts'
import { redisFaults } from './redis.ts'
import { twoLoggerFaults } from './two-loggers.ts'
import { warehouseFaults } from './warehouse.ts'

/** Every fault, in the order of the table. */
export const allFaults: readonly Fault[] = [
  ...processKills,
  ...failpoints,
  ...warehouseFaults,
  ...natsFaults,
  ...powerFaults,
  ...diskFaults,
  ...networkFaults,
  ...redisFaults,
  ...poisonFaults,
  ...twoLoggerFaults,
  ...clockFaults,
]
