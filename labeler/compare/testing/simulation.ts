import { blockInterval, clusterInterval, clusterShortcoming, etaFactor, fewestBlocks } from '../gates.ts'
import { hullOf, type Interval, sideOf } from '../interval.ts'
import { addGroup, clusteredVariance, createMoments, type Moments } from '../moments.ts'
import type { Random } from './random.ts'

/** Takes what a block brings to a cluster: of a role's numbered cluster that may come again, or of one that never does. */
export type Sink = {
  add(role: number, cluster: number, sum: number, rows: number): void
  addOnce(role: number, sum: number, rows: number): void
}

/** How differences come about: each start draws another course of the same world. */
export type World = {
  /** The number of clusters that may come again, of each role. */
  clusters: readonly number[]
  start(random: Random): (block: number, sink: Sink) => void
}

/** Which way a rule called first within the time, and after how many blocks. */
export type Called = { side: -1 | 0 | 1; blocks: number }

export type Course = { both: Called; blocksAlone: Called; clustersAlone: Called }

/** `unguarded`: few entities may have most decisions. */
export type CourseOptions = { blocks: number; levels: readonly number[]; unguarded?: boolean }

type RoleState = { sums: Float64Array; rows: Float64Array; once: Moments; eta: number }

/** One course, looked at after each block as the verdict does: the first calls at each level. */
export function simulateCourse(world: World, random: Random, { blocks, levels, unguarded = false }: CourseOptions): Course[] {
  const roles = world.clusters.map((size) => ({
    sums: new Float64Array(size),
    rows: new Float64Array(size),
    once: createMoments(),
    eta: 0,
  }))
  const total = createMoments()
  const courses = levels.map(() => ({ both: uncalled(), blocksAlone: uncalled(), clustersAlone: uncalled() }))
  const nextBlock = world.start(random)
  const inBlock = { sum: 0, rows: 0 }
  const sink = createSink(roles, inBlock)
  for (let block = 0; block < blocks; block++) {
    inBlock.sum = 0
    inBlock.rows = 0
    nextBlock(block, sink)
    addGroup(total, inBlock.sum, inBlock.rows)
    const moments = roles.map(momentsOf)
    for (const [index, role] of roles.entries()) if (role.eta === 0) role.eta = etaFactor * (clusteredVariance(moments[index]!) || 0)
    if (block + 1 < fewestBlocks || (!unguarded && moments.some((clusters) => clusterShortcoming(clusters) !== undefined))) continue
    for (const [index, level] of levels.entries()) {
      const ofBlocks = blockInterval(total, level)
      const ofClusters = hullOf(moments.map((clusters, role) => clusterInterval(clusters, { eta: roles[role]!.eta, level })))
      note(courses[index]!.blocksAlone, ofBlocks, block + 1)
      note(courses[index]!.clustersAlone, ofClusters, block + 1)
      note(courses[index]!.both, hullOf([ofBlocks, ofClusters]), block + 1)
    }
  }
  return courses
}

function createSink(roles: readonly RoleState[], inBlock: { sum: number; rows: number }): Sink {
  const count = (role: number, sum: number, rows: number) => {
    if (role > 0) return
    inBlock.sum += sum
    inBlock.rows += rows
  }
  return {
    add(role, cluster, sum, rows) {
      const state = roles[role]!
      state.sums[cluster]! += sum
      state.rows[cluster]! += rows
      count(role, sum, rows)
    },
    addOnce(role, sum, rows) {
      addGroup(roles[role]!.once, sum, rows)
      count(role, sum, rows)
    },
  }
}

function momentsOf({ sums, rows, once }: RoleState): Moments {
  const moments = { ...once }
  for (let cluster = 0; cluster < sums.length; cluster++) if (rows[cluster]! > 0) addGroup(moments, sums[cluster]!, rows[cluster]!)
  return moments
}

function uncalled(): Called {
  return { side: 0, blocks: 0 }
}

function note(called: Called, interval: Interval, blocks: number): void {
  if (called.side !== 0) return
  called.side = sideOf(interval)
  called.blocks = blocks
}
