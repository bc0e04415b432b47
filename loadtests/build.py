# /// fitmap
# kind = "build"
# title = "Build"
# question = "What does a change cost until it runs, and what comes along with it?"
# presets = ["full"]
# most_blocks = 3
# ///
"""A clean image build, a rebuild after a change of one line, image size, source lines, dependencies. No request is sent."""
