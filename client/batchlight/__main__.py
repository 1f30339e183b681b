from batchlight.command import app

app(prog_name="batchlight")
