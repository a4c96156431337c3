import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { errorCodes } from '../../contracts/errors.ts'
import type { OpenApiDocument } from './openapi.ts'

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

type Operation = {
  summary: string
  parameters: { name: string; in: string; required: boolean; description?: string; schema: { description?: string } }[]
  requestBody?: { content: { 'application/json': { schema: object; examples: Record<string, { summary: string; value: unknown }> } } }
  responses: Record<string, { description: string; content: { 'application/json': { schema: object } } }>
}

/**
 * The API's documentation as one page that needs nothing else: no script, no font, no other host. Its examples go to
 * `origin`, where the reader found the page.
 */
export function renderDocsPage(document: OpenApiDocument, origin: string): Html {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Operation })),
  )
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Hindsight API</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <h1>Hindsight API <small>${document.info.version}</small></h1>
        <p>
          ${document.info.description} Machine-readable: <a href="/openapi.json">openapi.json</a>. Live: <a href="/v1/models">models</a>,
          <a href="/readyz">readiness</a>, <a href="/metrics">metrics</a>.
        </p>
        <nav>
          ${operations.map(({ method, path }) => html`<a href="#${anchorOf(method, path)}"><b>${method.toUpperCase()}</b> ${path}</a>`)}
        </nav>
        ${operations.map((operation) => renderOperation(operation, origin))}
        <section id="errors">
          <h2>Error codes</h2>
          <p>Every error is <code>{"error": {"code", "message", "path?", "hint?", "request_id"}}</code>. Codes are stable.</p>
          <table>
            <tr>
              <th>code
              <th>status
              <th>retry
              <th>meaning
            </tr>
            ${Object.entries(errorCodes).map(
              ([code, { status, retryable, meaning }]) =>
                html`<tr>
                  <td><code>${code}</code>
                  <td>${status}
                  <td>${retryable ? 'yes' : ''}
                  <td>${meaning}
                </tr>`,
            )}
          </table>
        </section>
      </body>
    </html>`
}

type OperationAt = { path: string; method: string; operation: Operation }

function renderOperation({ path, method, operation }: OperationAt, origin: string): Html {
  const body = operation.requestBody?.content['application/json']
  const [status, success] = Object.entries(operation.responses)[0] ?? []
  return html`<section id="${anchorOf(method, path)}">
    <h2><b>${method.toUpperCase()}</b> ${path}</h2>
    <p>${operation.summary}</p>
    ${renderParameters(operation)}
    ${
      body === undefined
        ? html`<pre>${curl(origin, method, path)}</pre>`
        : Object.values(body.examples).map(
            ({ summary, value }) =>
              html`<h3>${summary}</h3>
                <pre>${curl(origin, method, path, value)}</pre>`,
          )
    }
    ${body === undefined ? '' : renderSchema('Request body', body.schema)}
    ${success === undefined ? '' : renderSchema(`Answer (${status})`, success.content['application/json'].schema)}
  </section>`
}

function renderParameters({ parameters }: Operation): Html {
  return html`<table>
    ${parameters.map(
      (parameter) =>
        html`<tr>
          <td><code>${parameter.name}</code>
          <td>${parameter.in}${parameter.required ? ', required' : ''}
          <td>${parameter.description ?? parameter.schema.description ?? ''}
        </tr>`,
    )}
  </table>`
}

function renderSchema(title: string, schema: object): Html {
  return html`<details>
    <summary>${title}: JSON Schema</summary>
    <pre>${JSON.stringify(schema, null, 2)}</pre>
  </details>`
}

const examplePaths: Record<string, string> = {
  '{model}': 'flight-delay',
  '{version}': '2',
  '{source}': 'flight_landed',
  '{id}': '01890000-0000-7000-8000-000000000000',
}

function curl(origin: string, method: string, path: string, body?: unknown): string {
  const url = `${origin}${path.replace(/\{\w+\}/g, (name) => examplePaths[name] ?? name)}`
  if (body === undefined) return `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${url}`
  return `curl ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body, null, 2)}'`
}

function anchorOf(method: string, path: string): string {
  return `${method}${path.replace(/[^a-z0-9]+/g, '-')}`
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff }
h2 { border-top: 1px solid #d0d7de; padding-top: 1.5rem; font-size: 1.1rem } h3 { font-size: .95rem; margin-bottom: .2rem }
b { color: #0a5c36 } small { color: #666; font-weight: normal }
nav a { display: block; text-decoration: none } a { color: #0550ae }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; border-radius: 6px; font-size: 13px } code { font-size: 13px }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { color: #d6dbe1; background: #0d1117 } pre { background: #161b22 } a { color: #79b8ff } b { color: #56d364 } }
`
