import { type Command, InvalidArgumentError, Option } from 'commander'
import { type CommandOptions, dataDirOption, jsonOption } from '../../platform/command/options.ts'
import { print } from '../../platform/command/output.ts'
import { parseCount, parsePositive } from '../../platform/command/parse-options.ts'
import { tenant as tenantName, toTimestamp } from '../../contracts/primitives.ts'
import { defaultTenant, scopes, type Scope } from '../http/caller.ts'
import { changeKeys } from './change-keys.ts'
import { createKey, revokeKey, rotateKey } from './key-changes.ts'
import { keyFilePath, keyName, readKeyFile, type StoredKey } from './key-file.ts'
import { newKeyId } from './key-token.ts'
import { toKeyTable } from './key-table.ts'

type KeysOptions = CommandOptions & { keysFile?: string }
type CreateOptions = KeysOptions & {
  scope: Scope[]
  tenant: string
  rate?: number
  burst?: number
  concurrent?: number
  expiresInDays?: number
}

const hourMs = 3_600_000

/** Adds `keys create|list|rotate|revoke`, which change the key file; every gateway on it follows within about a second. */
export function registerKeyCommands(program: Command): void {
  const keys = program.command('keys').description('create, list, rotate and revoke API keys')
  withShared(keys.command('create').description('make a key; its token is printed once and kept nowhere'))
    .argument('<name>', 'the name of whom the key is for, as checkout', parseName)
    .addOption(new Option('--scope <scope...>', 'what the key may do').choices(scopes).default(['predict']))
    .option('--tenant <tenant>', 'the tenant whose data the key writes and reads', parseTenant, defaultTenant)
    .option('--rate <requests>', 'the most requests a second, in each gateway process', parsePositive)
    .option('--burst <requests>', 'the most requests at once after a pause; default as many as the rate', parseCount)
    .option('--concurrent <requests>', 'the most requests under way, in each gateway process', parseCount)
    .option('--expires-in-days <days>', 'the days after which the key ends; default never', parsePositive)
    .action(create)
  withShared(keys.command('list').description('list every key, without its secret')).action(list)
  withShared(keys.command('rotate').description('give a key another secret; the old one is good for a while'))
    .argument('<key>', 'the id or name of the key')
    .option('--overlap-hours <hours>', 'how long the old secret is good', parseHours, 24)
    .action(rotate)
  withShared(keys.command('revoke').description('end a key')).argument('<key>', 'the id or name of the key').action(revoke)
}

function withShared(command: Command): Command {
  return command
    .addOption(dataDirOption())
    .addOption(new Option('--keys-file <file>', 'the file of keys; default keys.json in the data directory').env('HINDSIGHT_KEYS_FILE'))
    .addOption(jsonOption())
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const nowMs = Date.now()
  const { rate, burst, concurrent, expiresInDays: days } = options
  const terms = {
    key_id: newKeyId(),
    name,
    tenant: options.tenant,
    scopes: options.scope,
    ...(rate !== undefined && { requests_per_second: rate }),
    ...(burst !== undefined && { burst }),
    ...(concurrent !== undefined && { max_concurrent: concurrent }),
    ...(days !== undefined && { expires_at: toTimestamp(nowMs + days * 24 * hourMs) }),
  }
  printToken(options, await changeKeys(pathOf(options), (keys) => createKey(keys, terms, nowMs)))
}

async function list(options: KeysOptions): Promise<void> {
  const keys = await readKeyFile(pathOf(options))
  print(options, { keys: keys.map(withoutSecrets) }, () => toKeyTable(keys, Date.now()))
}

async function rotate(key: string, options: KeysOptions & { overlapHours: number }): Promise<void> {
  const overlapMs = options.overlapHours * hourMs
  printToken(options, await changeKeys(pathOf(options), (keys) => rotateKey(keys, { key, overlapMs, nowMs: Date.now() })))
}

async function revoke(key: string, options: KeysOptions): Promise<void> {
  const revoked = await changeKeys(pathOf(options), (keys) => revokeKey(keys, { key, nowMs: Date.now() }))
  print(options, withoutSecrets(revoked), () => `${revoked.key_id} (${revoked.name}) is revoked`)
}

function pathOf({ keysFile, dataDir }: KeysOptions): string {
  return keyFilePath({ HINDSIGHT_KEYS_FILE: keysFile, HINDSIGHT_DATA_DIR: dataDir })
}

/** The token alone on standard output, so that it can be piped to where it is kept. */
function printToken(options: KeysOptions, { key, token }: { key: StoredKey; token: string }): void {
  if (options.json !== true) process.stderr.write(`key ${key.key_id} (${key.name}): its token is shown this once\n`)
  print(options, { ...withoutSecrets(key), token }, () => token)
}

function withoutSecrets({ secrets, ...key }: StoredKey) {
  return { ...key, secrets: secrets.map(({ token_sha256: _, ...times }) => times) }
}

function parseName(text: string): string {
  return checked(keyName.safeParse(text), 'must consist of a-z, 0-9, ., _ and -.')
}

function parseTenant(text: string): string {
  return checked(tenantName.safeParse(text), 'must consist of a-z, 0-9, _ and -.')
}

function checked(result: { success: boolean; data?: string | undefined }, message: string): string {
  if (result.data === undefined) throw new InvalidArgumentError(message)
  return result.data
}

function parseHours(text: string): number {
  return text === '0' ? 0 : parsePositive(text)
}
