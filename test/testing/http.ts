export type Answer<T> = { status: number; body: T }

export async function postJson<T>(url: string, body: unknown, signal?: AbortSignal): Promise<Answer<T>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  })
  return { status: response.status, body: (await response.json()) as T }
}

export async function getJson<T>(url: string): Promise<Answer<T>> {
  const response = await fetch(url)
  return { status: response.status, body: (await response.json()) as T }
}
