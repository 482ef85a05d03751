"""Words that give an intent away: what `guess_intent` looks for, the most telling first."""

import re

from voice_ai.conversation.turns import Intent

_BE = r"(?:is|are|am|was|you|youre|this|your|its|it)"
_ROBOT = (
    r"(?:robot|robots|bot|bots|machine|computer|recording|recorded message|tape|ai|a i|artificial"
    r"|automated|human|real person|live person|live agent|actual person|real$|alive$|siri|alexa"
    r"|prerecorded|pre recorded|chatbot|robocall|voice generated)"
)
_RELATIVE = (
    r"(?:wife|husband|son|daughter|mother|father|mom|dad|brother|sister|assistant|secretary)"
)
_DAY = (
    r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|tonight|next week"
    r"|next month|this (?:morning|afternoon|evening)|in the (?:morning|afternoon|evening))"
)

# Matched against lower-case words without apostrophes ("don't" is "dont"); ^ and $ hold.
_PHRASES: tuple[tuple[Intent, tuple[str, ...]], ...] = (
    (
        "ask_robot",
        (
            rf"\b{_BE} (?:\w+ ){{0,5}}{_ROBOT}\b(?! (?:this|the) call)",
            r"\b(?:talk|speak|talking|speaking) (?:to|with) (?:an? )?(?:real |live )?"
            r"(?:robots?|bots?|machines?|computers?|human|person|ai)\b",
            r"\b(?:robot|robocall|chatbot|human or|(?:real|actual|live) (?:human|person))\b",
            r"\bprove youre human\b|\bhave (?:a )?human here\b",
        ),
    ),
    (
        "wrong_person",
        (
            r"\bwrong (?:number|person|house|place|guy|office|department|lady|man|woman|company)\b",
            r"\b(?:nobody|no ?one|no body|not anyone) (?:here )?(?:by|with|of|named|called)\b",
            r"\bno (?:\w+ )?(?:lives|works) here\b|\btheres no \w+ here\b|\bnever heard of\b",
            r"\b(?:doesnt|does not|dont|no longer|not) (?:live|work|lives|works)(?: at)?"
            r" (?:here|this)\b",
            r"\b(?:im|i am|this is|its|thats|that|this|it|were) (?:is |are )?(?:not|isnt|arent)"
            r" (?:him|her|them|me|that person|the person|the right|mr|mrs|ms|my name|the clinic"
            r"|the hospital|that company)\b",
            r"\b(?:do not|dont) know (?:any|anyone|anybody|who that|that person|him|her)\b",
            r"\bnot (?:the right (?:person|number)|my name|who you)\b|\bmisdialed\b|^not me\b",
            rf"\b(?:this is|im|i am) (?:just )?(?:his|her|their|the) (?:{_RELATIVE}|receptionist"
            r"|babysitter|front desk)\b",
            r"\b(?:he|she|they)(?:s| is| isnt| is not|re| are)? (?:not (?:here|in|home|available)"
            r"|home|moved|passed away|left the company|retired|out of town)\b",
            r"\b(?:just got|new|someone elses|somebody elses|different) (?:this )?(?:number|phone"
            r"|family)\b|\bbelongs to (?:somebody|someone)\b|\bdifferent department\b",
        ),
    ),
    (
        "repeat",
        (
            r"\b(?:repeat|come again|say again|one more time|once more|pardon|excuse me|beg your"
            r"|speak up|slow down|slower|louder|too fast)\b",
            r"\bsay (?:that|it|this|the \w+) (?:again|one more)\b",
            r"\bwhat (?:did you say|did you ask|was that|was the question)\b|\bwhats that\b",
            r"\b(?:didnt|did not|couldnt|dont|do not) (?:quite )?(?:catch|hear|understand)\b"
            r"|\b(?:cant|cannot|barely|can hardly) hear\b|\bwhat do you mean$",
            r"\b(?:i|you) (?:missed|lost me|cut out|broke up)\b|\bbreaking up\b"
            r"|\b(?:line is|connection is|a) bad(?: connection)?\b(?! time)",
            r"^(?:(?:sorry|huh|what|eh|hm|again|please) ?)+$",
        ),
    ),
    ("yes", (r"\b(?:go on|go ahead|make it quick|hurry up)\b",)),
    (
        "callback",
        (
            r"\b(?:call|phone|ring|try|reach|telephone|catch|talk|hit)(?:ing)? (?:(?:me|us|him|her"
            r"|them|back|again|this number|in|at|on|a|an|the|up|some|for) )*(?:back|later|another"
            rf"|other|again|hour|after|minutes|{_DAY})\b",
            r"\bbetter (?:time|to call)\b|\banother time\b|\bsome other time\b|\bmaybe later\b"
            r"|\bcallback\b|\bnot now later\b|\bgive me (?:an hour|half an hour)\b",
            r"\bcall (?:then|when)\b|\btry (?:him|her|me|them) then\b|\bcan we do this\b"
            r"|\bschedule a call\b",
        ),
    ),
    (
        "busy_now",
        (
            r"\b(?:busy|driving|at work|no time|bad time|bad moment|not right now|not now"
            r"|in a hurry"
            r"|in a rush|tied up|slammed|gotta go|have to go|got to go|hands full"
            r"|hands are full)\b",
            r"\bin (?:a |the )?(?:meeting|car|class|middle)\b",
            r"\b(?:cant|cannot) (?:talk|speak|take (?:the|this|your) call|do this)\b",
            r"\b(?:not|isnt) (?:a )?(?:good|great|the best) time\b|\bon (?:the other"
            r"|another) line\b",
            r"\b(?:patient|customer|client|somebody) with me\b|\bwith (?:a |my )?(?:patient"
            r"|customer"
            r"|client)s?\b|\bright in the middle\b",
            r"\b(?:having|eating|about to|running out|heading out|just woke|was sleeping|cooking"
            r"|feeding|putting the)\b|\b(?:dont have|havent got) (?:the |any )?time\b",
        ),
    ),
    (
        "reschedule",
        (
            r"\b(?:reschedul\w*|re schedule|rebook|postpone|book me)\b",
            r"\b(?:change|move|push|shift|delay|switch|bring|cancel) (?:\w+ ){0,3}(?:appointment"
            r"|date|day|time|it|visit|back|forward|to)\b",
            r"\b(?:different|another|new|other|earlier|later) (?:day|date|time|slot|appointment)\b",
            rf"\b(?:make it|how about|what about|can i come|could i come) (?:\w+ ){{0,3}}(?:{_DAY}"
            r"|week|earlier|later|instead)\b|\bpossible instead\b|\binstead$",
            rf"\b(?:{_DAY}|the morning|the afternoon) (?:works|would be|is) better\b"
            r"|\b(?:day|time) doesnt work\b|\ba conflict\b",
        ),
    ),
    (
        "no",
        (
            r"^(?:(?:um|uh|oh|well|sorry|hm|i think|actually|i am afraid|im afraid) )*(?:no"
            r"|nope|nah"
            r"|naw|never|negative|not really|not at all|not today|not interested|not this time"
            r"|absolutely not|definitely not|of course not|certainly not|unfortunately|uh uh)\b"
            r"(?! (?:problem|worries))",
            r"^(?:(?:um|uh|oh|well|sorry|hm|actually) )*(?:i|we) (?:dont|do not|cant|cannot|wont"
            r"|will not|am not|didnt|did not|wouldnt|would not|havent|arent|are not|never)\b",
            r"^(?:im|we are|were) not\b|\bnot interested\b|\bno thanks?\b|\b(?:dont|do not) think"
            r" so\b|\b(?:wont|not) be able\b|\b(?:cant|cannot) make it\b|\bnot able to\b",
            r"\brather not\b|\bnot going to\b|\bafraid not\b|\bpass on that\b|\bill pass\b"
            r"|\bno need\b|\bdont need (?:it|one|any)\b|\bthats (?:wrong|not right)\b|\bsadly no\b"
            r"|\bits a no\b",
        ),
    ),
    (
        "greeting",
        (
            r"\bhow (?:may|can) i (?:help|direct)\b|\bcan i help you\b|\bthank you for calling\b"
            r"|\bhow (?:are you|do you do)\b|\bthis is the operator\b",
            r"^(?:(?:yes|yeah|oh|hello|hi|hey) )*(?:hello|hi|hey|hiya|howdy|good day|good morning"
            r"|good afternoon|good evening)(?: there| this is \w+)*$",
            r"^(?:morning|evening|afternoon)$|\b(?:hello|good (?:morning|afternoon|evening))$",
        ),
    ),
    (
        "thanks",
        (
            r"^(?:(?:ok|okay|alright|perfect|great|well|oh) )*(?:thanks|thank you|cheers|ta)\b",
            r"\bappreciat\w+\b|\bgrateful\b|\bvery kind\b|\bso nice of\b|\bhelpful\b|\bbless you\b",
        ),
    ),
    (
        "yes",
        (
            r"^(?:(?:um|uh|oh|well|sorry|hm|i think|hi|hello|ah) )*(?:yes|yeah|yea|yep|yup|ya|yah"
            r"|sure|ok|okay|of course|absolutely|definitely|certainly|correct|confirmed|thats"
            r" (?:right|me|correct|fine)|that is right|right|affirmative|sounds good|for sure)\b",
            r"^(?:(?:um|uh|oh|well|hi|hello|ah) )*(?:i (?:can|will|do|am|would|did|confirm|think so"
            r"|guess so|suppose)|ill be|we (?:can|will|do|are|would|did)|well be|please do|fine"
            r"|all right|alright|why not|mhm|mm ?hmm|uh huh|it is|that works|works for me|perfect"
            r"|by all means|happy to|you got it|go for it|no problem|sounds (?:fine|good))\b",
            r"\b(?:yes|yeah)\b|\b(?:ill|i will|well|we will) be there\b|\bsounds (?:fine|good)\b"
            r"|^speaking$|^this is (?:he|she|him|her)\b",
        ),
    ),
    (
        "question",
        (
            r"^(?:(?:and|but|so|um|uh|ok|okay|sorry|wait|hold on) )*(?:who|whos|what|whats|where"
            r"|why|how|when|which|whose|is this|is it|is there|is my|are you|are there|do you|do i"
            r"|does|did you|can you|can i|could you|will you|will it|would you|should i|have you"
            r"|may i ask|tell me more)\b",
            r"\bwho (?:is|are|am i) \w+|\bwhat is this about\b|\bwho are you\b",
        ),
    ),
    ("thanks", (r"\b(?:thanks|thank you|thank|cheers)\b",)),
    ("greeting", (r"^(?:hello|hi|hey|good (?:morning|afternoon|evening))\b|\bspeaking\b",)),
)

INTENT_PATTERNS: tuple[tuple[Intent, re.Pattern[str]], ...] = tuple(
    (intent, re.compile("|".join(patterns))) for intent, patterns in _PHRASES
)
