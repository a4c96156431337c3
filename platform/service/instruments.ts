import { createDistribution, type Distribution } from './distribution.ts'

export type Kind = 'counter' | 'gauge' | 'histogram'

/** A family of metrics; `name` is the one that Prometheus shows. Without `labels` there is one series. */
export type Description = { name: string; description: string; unit?: string; labels?: readonly string[] }

/** One series; `labels` are values, in the order of the family's names. */
export type Series = { labels: readonly string[]; value: number | Distribution }

export type Family = Required<Description> & { kind: Kind; read(): Iterable<Series> }

export type Counter = { add(count: number): void }

/** Finds the series of these values of the labels, in their order, and makes it the first time. */
export type SeriesOf<T> = (...labels: readonly string[]) => T

/**
 * What a process counts and measures. A series is found through one map per label, and counting is an addition: tens of
 * nanoseconds, where an OpenTelemetry instrument, which hashes its attributes each time, takes a microsecond.
 */
export type Instruments = {
  counter(description: Description): SeriesOf<Counter>
  histogram(description: Description & { bounds: readonly number[] }): SeriesOf<Distribution>
  /** Shows values that are counted elsewhere, and read whenever somebody collects. */
  observe(kind: Kind, description: Description, read: () => Iterable<Series>): void
  families(): readonly Family[]
}

/**
 * Instruments of a process, none at first; two metrics of one name are refused.
 *
 * @example
 * ```ts
 * import { createInstruments } from './instruments.ts'
 *
 * const instruments = createInstruments()
 * const answers = instruments.counter({ name: 'answers_total', description: 'Answers, by status.', labels: ['status'] })
 * answers('200').add(2)
 * Array.from(instruments.families()[0]?.read() ?? []) // => [{ labels: ['200'], value: 2 }]
 * ```
 */
export function createInstruments(): Instruments {
  const families: Family[] = []

  function add(kind: Kind, { name, description, unit = '', labels = [] }: Description, read: () => Iterable<Series>): void {
    if (families.some((family) => family.name === name)) throw new Error(`two metrics are named ${name}`)
    families.push({ name, description, unit, labels, kind, read })
  }

  return {
    counter(description) {
      const series = createSeries(description, createCounter)
      add('counter', description, () => series.all.map(({ labels, leaf }) => ({ labels, value: leaf.total })))
      return series.find
    },
    histogram(description) {
      const series = createSeries(description, () => createDistribution(description.bounds))
      add('histogram', description, () => series.all.map(({ labels, leaf }) => ({ labels, value: leaf })))
      return series.find
    },
    observe: add,
    families: () => families,
  }
}

function createCounter(): Counter & { readonly total: number } {
  let total = 0
  return {
    get total() {
      return total
    },
    add(count) {
      total += count
    },
  }
}

type Branch<T> = { branches: Map<string, Branch<T>>; leaf: T | undefined }

/** Makes series, found through one map per label: a text that joins the labels would have to be built and hashed each time. */
function createSeries<T>({ labels: names = [] }: Description, create: () => T) {
  const root: Branch<T> = { branches: new Map(), leaf: undefined }
  const all: { labels: readonly string[]; leaf: T }[] = []

  function find(...labels: readonly string[]): T {
    let at = root
    for (const label of labels) at = at.branches.get(label) ?? branchOff(at, label)
    return at.leaf ?? grow(at, labels)
  }

  function grow(at: Branch<T>, labels: readonly string[]): T {
    if (labels.length !== names.length) throw new Error(`${labels.length} labels for ${names.join(', ')}`)
    at.leaf = create()
    all.push({ labels, leaf: at.leaf })
    return at.leaf
  }

  return { all, find }
}

function branchOff<T>(from: Branch<T>, label: string): Branch<T> {
  const branch: Branch<T> = { branches: new Map(), leaf: undefined }
  from.branches.set(label, branch)
  return branch
}

/** Buckets of a duration on the path of a request: from 50 µs, because a stage often takes less than a millisecond. */
export const secondBounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
