import { randomBytes } from 'node:crypto'
import { link, readFile, readlink, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ServiceError } from '../../../contracts/errors.ts'
import { isHeld, lifeSocketName, openLifeSocket, type LifeSocket } from './life-socket.ts'
import { unlinkIfThere } from '../format/outbox-files.ts'
import { errnoOf, isMissing, listDirectory } from '../format/segment-names.ts'
import { syncDirectory, writeFileSynced } from '../../service/durable-files.ts'
import { bootId, isAlive, processStart } from '../../service/process-identity.ts'

/**
 * Opening an outbox is creating the file of its next epoch: the epoch is durable and the outbox locked by one and the
 * same step. The newest file names the process that holds the outbox; `released` when it was closed properly.
 */
const claimBody = z.object({
  pid: z.int(),
  started: z.string(),
  boot: z.string(),
  /** The namespace of pids, of which each container has its own. */
  namespace: z.string().default(''),
  socket: z.string().optional(),
  state: z.enum(['held', 'released']),
})
type ClaimBody = z.infer<typeof claimBody>

/** The outboxes that this process holds, by directory: each for as long as the process lives, or until it is released. */
const lives = new Map<string, LifeSocket>()

export type OutboxHolder = { epoch: number; pid: number; state: 'alive' | 'dead' | 'released' }

const claimName = /^epoch-(\d{10})$/

export function claimFileName(epoch: number): string {
  return `epoch-${String(epoch).padStart(10, '0')}`
}

/** Who holds the writer's outbox, or held it last. */
export async function readHolder(directory: string): Promise<OutboxHolder | undefined> {
  const epoch = (await listEpochs(directory)).at(-1)
  return epoch === undefined ? undefined : readHolderOf(directory, epoch)
}

async function readHolderOf(directory: string, epoch: number): Promise<OutboxHolder> {
  const body = await readClaim(join(directory, claimFileName(epoch)))
  if (body === undefined) return { epoch, pid: 0, state: 'dead' }
  return { epoch, pid: body.pid, state: body.state === 'released' ? 'released' : (await isHolding(directory, body)) ? 'alive' : 'dead' }
}

/**
 * Claims the next epoch. It is the second of the claim, or one above the last: should the directory be lost and made
 * anew under the same writer id, its epochs still do not begin again.
 * @throws ServiceError `outbox_unavailable` when a living process holds the outbox, `heldEpoch` apart.
 */
export async function claimEpoch(options: { directory: string; nowMs: number; floor: number; heldEpoch?: number }): Promise<number> {
  const { directory, nowMs, floor, heldEpoch } = options
  const holder = await readHolder(directory)
  if (holder?.state === 'alive' && holder.epoch !== heldEpoch) throw heldBy(directory, holder.pid)
  const epoch = Math.max((holder?.epoch ?? 0) + 1, floor, Math.floor(nowMs / 1000), 1)
  const before = lives.get(directory)
  const kept = heldEpoch !== undefined && before && (await isHeld(directory, before.name)) === true
  // Listens before the claim can be seen.
  const life = kept ? before : await openLifeSocket(directory)
  try {
    await takeEpoch({ directory, epoch, heldEpoch, life })
  } catch (error) {
    if (!kept) await life?.close()
    throw error
  }
  if (!kept) await endLife(directory)
  if (life) lives.set(directory, life)
  await removeDeadSockets(directory)
  return epoch
}

type ClaimAttempt = { directory: string; epoch: number; heldEpoch: number | undefined; life: LifeSocket | undefined }

async function takeEpoch({ directory, epoch, heldEpoch, life }: ClaimAttempt): Promise<void> {
  await publishClaim(join(directory, claimFileName(epoch)), { state: 'held', ...(life && { socket: life.name }) }, link)
  await syncDirectory(directory)
  const others = (await listEpochs(directory)).filter((other) => other !== epoch)
  // A rival may have claimed from the same look at the directory, another number if the clock's second changed between.
  for (const other of others.filter((candidate) => candidate !== heldEpoch)) {
    const rival = await readHolderOf(directory, other)
    if (other < epoch && rival.state !== 'alive') continue
    await unlink(join(directory, claimFileName(epoch)))
    throw heldBy(directory, rival.pid)
  }
  for (const older of others) await unlinkIfThere(join(directory, claimFileName(older)))
}

/** Marks the epoch as closed properly, so that the next to open the outbox need not recover it. */
export async function releaseEpoch(directory: string, epoch: number): Promise<void> {
  await publishClaim(join(directory, claimFileName(epoch)), { state: 'released' }, rename)
  await syncDirectory(directory)
  await endLife(directory)
}

/** Forgets a claim whose directory is gone. */
export async function endLife(directory: string): Promise<void> {
  const life = lives.get(directory)
  lives.delete(directory)
  await life?.close()
}

/** Removes the sockets' names that crashed processes left behind. Nobody else may claim now, so one that is not held never will be. */
async function removeDeadSockets(directory: string): Promise<void> {
  for (const name of (await listDirectory(directory)).filter((entry) => lifeSocketName.test(entry)))
    if ((await isHeld(directory, name)) === false) await unlinkIfThere(join(directory, name))
}

type Publish = (from: string, to: string) => Promise<void>
async function publishClaim(path: string, claim: Pick<ClaimBody, 'state' | 'socket'>, publish: Publish): Promise<void> {
  const body = JSON.stringify({ ...(await thisProcess()), ...claim } satisfies ClaimBody)
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await writeFileSynced(temporary, body)
    await publish(temporary, path)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw heldBy(path, undefined)
    throw error
  } finally {
    await unlinkIfThere(temporary)
  }
}

async function listEpochs(directory: string): Promise<number[]> {
  const matches = (await listDirectory(directory)).map((name) => claimName.exec(name)).filter((match) => match !== null)
  return matches.map((match) => Number(match[1])).toSorted((a, b) => a - b)
}

async function readClaim(path: string): Promise<ClaimBody | undefined> {
  const text = await readText(path)
  if (text === undefined || text === '') return undefined
  try {
    return claimBody.parse(JSON.parse(text))
  } catch {
    // A damaged claim proves nothing about a living process; its name still keeps the epoch from being used again.
    return undefined
  }
}

/**
 * Whether the process of a claim holds the outbox. Its socket knows, where there is one; a pid alone may have been given to
 * another process since, or in another boot.
 */
async function isHolding(directory: string, { pid, started, boot, namespace, socket }: ClaimBody): Promise<boolean> {
  if (boot !== bootId()) return false
  const held = socket === undefined ? undefined : await isHeld(directory, socket)
  if (held !== undefined) return held
  // A process in another pid namespace cannot be seen from here and counts as alive: an outbox taken for abandoned while it is written to
  // loses answers.
  if (namespace !== '' && namespace !== (await pidNamespace())) return true
  return isAlive({ pid, born: started === '' ? undefined : `${boot}/${started}` })
}

async function thisProcess(): Promise<Pick<ClaimBody, 'pid' | 'started' | 'boot' | 'namespace'>> {
  return { pid: process.pid, started: processStart(process.pid), boot: bootId(), namespace: await pidNamespace() }
}

/** The pid namespace of this process; empty where there is no /proc. */
async function pidNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ESRCH') return undefined
    throw error
  }
}

function heldBy(directory: string, pid: number | undefined): ServiceError {
  const holder = pid === undefined ? 'another process' : `process ${pid}`
  return new ServiceError('outbox_unavailable', `The outbox ${directory} is open in ${holder}.`, {
    hint: 'One process writes to an outbox. Stop the other one, or give this one another writer id or data directory.',
  })
}
