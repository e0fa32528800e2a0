"""Which release this is; the image build writes the number of the release it makes."""

VERSION = "development"
