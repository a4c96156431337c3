type Families = Map<string, { head: string[]; samples: string[] }>

/** Merges several texts in Prometheus's format: a family stands there once, with the series of each worker under the label `worker`. */
export function mergeMetrics(own: string, others: readonly { worker: string; text: string }[]): string {
  const families: Families = new Map()
  collect(families, own, (sample) => sample)
  for (const { worker, text } of others) collect(families, text, (sample) => withLabel(sample, `worker="${worker}"`))
  return [...families.values()].map(({ head, samples }) => [...head, ...samples].join('\n')).join('\n') + '\n'
}

/** Adds a text's samples to their families; the lines that name a family stand before its samples. */
function collect(families: Families, text: string, toSample: (line: string) => string): void {
  let family: { head: string[]; samples: string[] } | undefined
  let isKnown = false
  for (const line of text.split('\n')) {
    const [, kind, name = ''] = /^# (HELP|UNIT|TYPE) (\S+)/.exec(line) ?? []
    if (kind === 'HELP') {
      isKnown = families.has(name)
      family = families.get(name) ?? { head: [], samples: [] }
      families.set(name, family)
    }
    if (kind !== undefined && !isKnown) family?.head.push(line)
    if (kind === undefined && line !== '') family?.samples.push(toSample(line))
  }
}

function withLabel(sample: string, label: string): string {
  const end = sample.search(/[{ ]/)
  const rest = sample.slice(end)
  if (rest.startsWith(' ')) return `${sample.slice(0, end)}{${label}}${rest}`
  return `${sample.slice(0, end)}{${label},${rest.slice(1)}`
}
