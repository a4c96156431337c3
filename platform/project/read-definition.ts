import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, LineCounter, isNode, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type FieldPath, type ProblemList, type Report, toProblem } from './problems.ts'

/** A YAML file that parsed and holds to its contract. `warn` refuses nothing. */
export type DefinitionFile<T> = { file: string; value: T; bytes: Uint8Array; report: Report; warn: Report }

export type ReadContext = { dir: string; problems: ProblemList }

/** Reads one YAML file against its contract; undefined, with every problem listed, when it is not there or does not hold. */
export async function readDefinition<T>(
  context: ReadContext,
  file: string,
  schema: z.ZodType<T>,
  hintIfAbsent?: string,
): Promise<DefinitionFile<T> | undefined> {
  const bytes = await readBytes(context, file, hintIfAbsent)
  if (bytes === undefined) return undefined
  const lines = new LineCounter()
  const document = parseDocument(bytes.toString('utf8'), { lineCounter: lines, prettyErrors: false })
  const { report, warn } = reporters(context.problems, file, (path) => lineOf(document, lines, path))
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0])
    context.problems.add(toProblem({ file, message: `not YAML: ${error.message}`, hints: [`line ${line}, column ${col}`] }))
  }
  if (document.errors.length > 0) return undefined
  const plain = toPlain(document)
  if (plain === undefined) {
    report([], 'its aliases expand to too much')
    return undefined
  }
  const parsed = schema.safeParse(plain, { reportInput: true })
  if (parsed.success) return { file, value: parsed.data, bytes, report, warn }
  for (const issue of parsed.error.issues) reportIssue(report, issue)
  return undefined
}

async function readBytes({ dir, problems }: ReadContext, file: string, hint: string | undefined): Promise<Buffer | undefined> {
  try {
    return await readFile(join(dir, file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EISDIR') throw error
    problems.add(
      toProblem({ file, message: code === 'ENOENT' ? 'there is no such file' : 'is a folder, and must be a file', hints: [hint] }),
    )
    return undefined
  }
}

/** The document as plain values; undefined when its aliases expand beyond the limit. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}

function reporters(problems: ProblemList, file: string, locate: (path: FieldPath) => string | undefined): { report: Report; warn: Report } {
  const at =
    (severity: 'error' | 'warning'): Report =>
    (path, message, hint) =>
      problems.add(toProblem({ severity, file, path, message, hints: [locate(path), hint] }))
  return { report: at('error'), warn: at('warning') }
}

/** The line of the field, or of the nearest thing around it that stands in the file. */
function lineOf(document: Document, lines: LineCounter, path: FieldPath): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return `line ${lines.linePos(node.range[0]).line}`
  }
  return undefined
}

function reportIssue(report: Report, issue: z.core.$ZodIssue): void {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report([...path, key], 'unknown field')
    return
  }
  if (isMissing(issue)) {
    report(path, 'is missing')
    return
  }
  const unquoted = issue.code === 'invalid_type' && issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input)
  report(path, issue.message, unquoted ? 'text that reads as something else, as 1 or true, goes in quotes' : undefined)
}

/** Whether a required field is not there: YAML has no value of its own that reads as undefined. */
function isMissing({ code, input }: z.core.$ZodIssue): boolean {
  return input === undefined && (code === 'invalid_type' || code === 'invalid_value')
}
