"""Words that say nothing by themselves, for peers that leave it to their users to drop them from a question."""

ENGLISH = """
a about above after again all also am an and another any are around as at be because been before being below between both
but by can could did do does doing done down during each either else every few for from further get got had has have having
he her here hers him his how i if in into is it its itself just let like made make many may me might more most much must my
no nor not now of off on once one only onto or other our out over own per same she should so some such than that the their
them then there these they this those through to too under until up upon us use used using very via was way we were what
when where whether which while who whom whose why will with within without would yet you your
"""

GERMAN = """
aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim bin bis bist da dabei damit dann
das dass daß dem den denn der deren des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem
einen einer eines er es etwas euch für gegen geht gibt hab habe haben hat hatte hier hinter ich ihm ihn ihnen ihr ihre im in
indem ins ist ja jede jedem jeden jeder jedes jetzt kann kein keine keinen können könnte man manche mehr mein mich mir mit
muss müssen nach nicht nichts noch nun nur ob oder ohne sehr sein seine selbst sich sie sind so soll sollen sollte sondern
über um und uns unter vom von vor war warum was weil welche welchem welchen welcher welches wenn wer werde werden wie wieder
will wir wird wo wofür womit wozu während würde zu zum zur zwar zwischen
"""

LISTS = {"english": frozenset(ENGLISH.split()), "german": frozenset(GERMAN.split())}


def of(language):
    return LISTS[language]
