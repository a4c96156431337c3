import fc from 'fast-check'
import { findViolations } from './invariants.ts'
import { close, recover } from './outbox.ts'
import { settings, type Protocol } from './protocol.ts'
import { advanceAll, answerAll, faults, lifeSteps, ordinarySteps, type Step } from './steps.ts'
import { createWorld, type World } from './world.ts'

export type Fault = keyof typeof faults
type Name = keyof typeof ordinarySteps | keyof typeof lifeSteps | Fault
export type Schedule = [Name, number][]

const steps: Record<Name, Step> = { ...ordinarySteps, ...lifeSteps, ...faults }
const keysOf = <T extends object>(object: T) => Object.keys(object) as (keyof T)[]

/** Steps that are drawn more often: a batch takes several, and an outbox that is closed takes no events. */
const oftener: Name[] = ['forward', 'logger advances', 'materializer advances', 'writer opens']
const weighted = (names: Name[]) =>
  fc.constantFrom(...names, ...names.filter((name) => oftener.includes(name)).flatMap((name) => [name, name]))

/** Draws any interleaving of ordinary steps, some of them left out until the end, with faults of these kinds. */
export function schedulesWith(faultKinds: fc.Arbitrary<Fault[]>): fc.Arbitrary<Schedule> {
  return fc
    .record({
      kinds: faultKinds,
      asleep: fc.subarray(keysOf(ordinarySteps), { maxLength: 2 }),
      calm: fc.integer({ min: 1, max: 8 }),
    })
    .chain(({ kinds, asleep, calm }) => {
      const awake = keysOf(ordinarySteps).filter((name) => !asleep.includes(name))
      const names = fc.oneof(
        { weight: 10 * calm, arbitrary: weighted(awake) },
        { weight: 2 * calm, arbitrary: weighted(keysOf(lifeSteps)) },
        { weight: 3 * kinds.length, arbitrary: fc.constantFrom<Name[]>(...kinds, 'time passes') },
      )
      return fc.array(fc.tuple<[Name, number]>(names, fc.nat(15)), { maxLength: 200, size: 'max' })
    })
}

/** A run has some kinds of faults and not all, so that not every run is a run of ruins. */
export const schedules = schedulesWith(fc.subarray(keysOf(faults), { maxLength: 5 }))

/** Plays the schedule, lets the system recover, and says what does not hold. */
export function play(protocol: Protocol, schedule: Schedule, onEffect: (name: Name) => void = () => undefined): string[] {
  const world = createWorld(protocol)
  for (const [name, pick] of schedule) if (steps[name](world, pick)) onEffect(name)
  settle(world)
  return findViolations(world)
}

/** Settles the world when the faults are over: everything runs again, no more is accepted, and a bounded time passes. */
function settle(world: World): void {
  const { outboxes, protocol, forwarder, loggers, materializer } = world
  for (const outbox of outboxes) {
    recover(outbox, protocol.crashedEpoch)
    if (answerAll(world, outbox)) close(outbox)
  }
  for (const process of [forwarder, materializer, ...loggers]) process.start()
  for (let tick = 0; tick < settings.recoverWithin; tick += 1) {
    advanceAll(world)
    world.clock.now += 1
  }
}
