"""What each verb takes, and nothing of what it does: a verb's help loads no more than this.

The verb's own module is loaded once its words were understood.
"""
