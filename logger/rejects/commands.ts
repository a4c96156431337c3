import { type Command, InvalidArgumentError, Option } from 'commander'
import { ServiceError } from '../../contracts/errors.ts'
import { lanes } from '../../contracts/origin.ts'
import { timestamp } from '../../contracts/primitives.ts'
import { type CommandOptions, dataDirOption, jsonOption } from '../../platform/command/options.ts'
import { print } from '../../platform/command/output.ts'
import { wholeNumber } from '../../platform/command/parse-options.ts'
import { withWarehouse } from '../../platform/command/with-warehouse.ts'
import { connectionFromRunFiles } from '../../platform/service/run-files.ts'
import { countRejects, listRejects, readRejects, type RejectFilter, unsettledIds } from './find-rejects.ts'
import { type PostItems, postItems } from './gateway-items.ts'
import { toListText, toRejectText, toRetryText } from './reject-text.ts'
import { retryRejects } from './retry-rejects.ts'

type FilterOptions = CommandOptions & RejectFilter

/** Adds `rejects list`, `rejects show` and `rejects retry`. */
export function registerRejectsCommand(program: Command): void {
  const rejects = program.command('rejects').description('see what could not be stored, and try it again')
  withFilters(rejects.command('list').description('count rejects by code, then list the newest'))
    .option('--limit <n>', 'the most rejects to list', wholeNumber({ from: 1, to: 100_000 }), 20)
    .action(async (options: FilterOptions & { limit: number }) => {
      const found = await withWarehouse(options, async (warehouse) => ({
        counts: await countRejects(warehouse, options),
        rejects: await listRejects(warehouse, options),
      }))
      print(options, found, toListText)
    })
  rejects
    .command('show')
    .description('show one reject: why it was rejected, where it came from, and its bytes')
    .argument('<id>', 'the id, as `rejects list` shows it')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action(async (id: string, options: CommandOptions) => {
      const [reject] = await withWarehouse(options, (warehouse) => readRejects(warehouse, [id]))
      if (reject !== undefined) print(options, reject, toRejectText)
    })
  withFilters(rejects.command('retry').description('try rejects again; exit 1 when any is refused again'))
    .argument('[id...]', 'the ids, as `rejects list` shows them; or select rejects by --code')
    .addHelpText('after', retryHelp)
    .action(retry)
}

const retryHelp = `
A label or feature event that its definition refused goes through the running gateway once more, under the id it was given
and with its first receipt as known_at unless it said another. A record that could not be decoded is decoded by this build
and stored under its origin. What was done is kept in hindsight.reject_retries; what has been accepted or stored is not
tried again, and would double nothing if it were.`

async function retry(ids: readonly string[], options: FilterOptions): Promise<void> {
  if (ids.length > 0 === (options.code !== undefined))
    throw new ServiceError('invalid_request', 'name the rejects to retry either by id or by --code')
  if (ids.length > 0 && (options.lane !== undefined || options.since !== undefined))
    throw new ServiceError('invalid_request', '--lane and --since go with --code')
  const { dataDir } = options
  const report = await withWarehouse(options, async (warehouse) => {
    // Looked up when it is needed: a record of the log is stored without a gateway.
    const post: PostItems = (request) => postItems(connectionFromRunFiles(dataDir).gatewayUrl, request)
    return retryRejects({ warehouse, post }, ids.length > 0 ? ids : await unsettledIds(warehouse, options))
  })
  print(options, report, toRetryText)
  if (report.refused > 0) process.exitCode = 1
}

function withFilters(command: Command): Command {
  return command
    .option('--code <code>', 'only rejects with this error code')
    .addOption(new Option('--lane <lane>', 'only rejects of this lane').choices(lanes))
    .option('--since <time>', 'only rejects appended since: RFC 3339, or how long ago, as 90m, 2h, 7d', parseSince)
    .addOption(dataDirOption())
    .addOption(jsonOption())
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function parseSince(text: string): Date {
  const [, amount, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (amount !== undefined) return new Date(Date.now() - Number(amount) * unitMs[unit as keyof typeof unitMs])
  if (timestamp.safeParse(text).success) return new Date(text)
  throw new InvalidArgumentError('write it as 2001-06-04T12:00:00Z, 90m, 2h or 7d.')
}
