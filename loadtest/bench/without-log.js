import { register } from 'node:module'

/**
 * Takes the event log out of a gateway: an event is neither encoded nor written, and nobody is told that it is stored. For comparison only.
 * The loader's hook edits the text of two modules, and throws where they are not as it expects.
 */
const hooks = `
const edits = {
  '/gateway/predict/record.ts': { 'toLogRecord(event, awaitsFate)': "{ kind: 'event', id: '', payload: '' }" },
  '/gateway/predict/commit.ts': {
    'deps.fates.append(records, { durability })': 'Promise.resolve([])',
    'work.input.reply?.committed(work.predicted, own)': 'undefined',
  },
}
export async function load(url, context, next) {
  const [, ofModule] = Object.entries(edits).find(([path]) => url.endsWith(path)) ?? []
  const loaded = await next(url, context)
  if (ofModule === undefined) return loaded
  let source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source).toString()
  for (const [found, replacement] of Object.entries(ofModule)) {
    if (!source.includes(found)) throw new Error(url + ' has no ' + found)
    source = source.replace(found, replacement)
  }
  return { ...loaded, source }
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
