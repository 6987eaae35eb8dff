"""What command line and window both do, each once: use cases between them and the engine. No Qt, no Keras.

Four tables are the only places to edit: :data:`desktop.app.recipes.RECIPES` (what a training may begin from),
:data:`desktop.app.exports.EXPORTS` (file formats), :data:`desktop.core.figures.table.METRICS` (figures) and
:data:`desktop.core.notices.NOTICES`. The latter two lie in ``core`` because ``ml`` and ``report`` read them too.
"""
