// Entry of the image: `controller` is the controller's process, everything else the command line.
if (process.argv[2] === 'controller') {
  await import('/app/packages/controller/dist/main.js');
} else {
  await import('/app/packages/cli/bin/run.js');
}
