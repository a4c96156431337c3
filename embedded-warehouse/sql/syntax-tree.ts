import type { Token } from './sql-lexer.ts'

/** A node of the engine's syntax tree, as EXPLAIN AST prints it. `name` is empty where the kind says everything. */
export type SyntaxNode = { kind: string; name: string; parent: SyntaxNode | undefined; children: SyntaxNode[] }

/**
 * Reads the answer of EXPLAIN AST into its nodes, in their order; the first is the root. Names are printed as they are, so
 * one with a line break would make a node of its own: refuse such names before you trust a node's place.
 */
export function parseSyntaxTree(text: string): SyntaxNode[] {
  const nodes: SyntaxNode[] = []
  const open: { depth: number; node: SyntaxNode }[] = []
  for (const line of text.split('\n')) {
    const content = line.trimStart()
    if (content === '') continue
    const depth = line.length - content.length
    while ((open.at(-1)?.depth ?? -1) >= depth) open.pop()
    const node = toNode(content, open.at(-1)?.node)
    node.parent?.children.push(node)
    open.push({ depth, node })
    nodes.push(node)
  }
  return nodes
}

function toNode(content: string, parent: SyntaxNode | undefined): SyntaxNode {
  const [kind = '', ...rest] = content.split(' ')
  const name = rest.join(' ').replace(/ ?\(children \d+\)$/, '')
  return { kind, name: withoutAlias(name).trim(), parent, children: [] }
}

function withoutAlias(name: string): string {
  const at = name.indexOf('(alias ')
  return at !== -1 && name.endsWith(')') ? name.slice(0, at) : name
}

/** Whether a quoted name could pass for a part of the tree's text. */
export function imitatesTree(quoted: string): boolean {
  return /[\p{Cc}]|\\[^'"`\\]|\((?:alias|children) /u.test(quoted)
}

/** The bare name that stands for a function in a call that takes one, as in `arrayMap(lower, x)`; also where it is a column's. */
export function functionArgument(call: SyntaxNode): string | undefined {
  const list = call.children.find((child) => child.kind === 'ExpressionList')
  const [first, ...others] = list?.children ?? []
  return first?.kind === 'Identifier' && others.length > 0 ? first.name.toLowerCase() : undefined
}

/** The name at the right of IN, which can be a table's. */
export function tableOfIn(call: SyntaxNode): string | undefined {
  if (!/^(global)?(not)?(null)?in(ignoreset)?$/i.test(call.name)) return undefined
  const second = call.children.find((child) => child.kind === 'ExpressionList')?.children[1]
  return second?.kind === 'Identifier' ? second.name : undefined
}

/** Functions of `APPLY(name)`, which the tree leaves out. Undefined when there is one that is not plainly a name. */
export function appliedFunctions(nodes: readonly SyntaxNode[], tokens: readonly Token[]): string[] | undefined {
  const count = nodes.filter((node) => node.kind === 'ColumnsApplyTransformer').length
  if (count === 0) return []
  const names = tokens.flatMap((token, index) => {
    const [open, name, close] = tokens.slice(index + 1, index + 4)
    const isApply = token.kind === 'word' && token.text === 'APPLY' && open?.text === '('
    return isApply && name?.kind === 'word' && close?.text === ')' ? [name.text.toLowerCase()] : []
  })
  return names.length === count ? names : undefined
}
