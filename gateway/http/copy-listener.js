import process from 'node:process'

// Sends the socket that it is given back, as often as asked: what comes back is a copy, on the same port and queue. As the bare
// handle, so that nobody is accepted here.
process.on('disconnect', () => process.exit())
process.once('message', async ({ copies }, handle) => {
  for (let copy = 0; copy < copies; copy++) await new Promise((resolve) => process.send('copy', handle, resolve))
  // Until then it would be listened on here too, by nobody.
  handle.close()
  process.send('done')
})
