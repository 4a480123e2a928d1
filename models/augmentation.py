"""Comments of our own making, for what the collected ones don't teach.

Every text is drawn from templates written for Winnow: none is taken from a test suite or from a
data set. Each kind says what it is for, and which labels its texts carry. ``evaded`` disguises
words as people do who want to get past a filter.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from models.datasets import Corpus, Example

_SLOT = re.compile(r"\{(\w+)\}")

CIVIL = {
    "toxicity": 0.0, "severe_toxicity": 0.0, "obscene": 0.0, "threat": 0.0, "insult": 0.0,
    "identity_attack": 0.0, "spam": 0.0,
}  # fmt: skip
INSULT = {"toxicity": 1.0, "insult": 1.0, "threat": 0.0, "identity_attack": 0.0, "spam": 0.0}
THREAT = {"toxicity": 1.0, "threat": 1.0, "identity_attack": 0.0, "spam": 0.0}
HATE = {"toxicity": 1.0, "identity_attack": 1.0, "insult": 1.0, "spam": 0.0}
RUDE = {"toxicity": 1.0, "obscene": 1.0, "identity_attack": 0.0, "spam": 0.0}
SPAM = {"spam": 1.0, "toxicity": 0.0, "threat": 0.0, "insult": 0.0, "identity_attack": 0.0}


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.strip().split("|"))


#: Pictures that do insult, threaten or proposition when they stand alone.
_RUDE = "🖕🔪🔫💣💩🐒🐵🐷🐖🐽🦍🐀🐍🤡🤮🤢🍆🍑💦👊💀☠"


def _pictures() -> tuple[str, ...]:
    """Return nearly every emoji: a model trained on abusive ones alone would take all for abuse."""
    blocks = ((0x1F300, 0x1F650), (0x1F680, 0x1F6C6), (0x1F90C, 0x1FA00), (0x2600, 0x27B1))
    found = (chr(code) for first, end in blocks for code in range(first, end))
    return tuple(one for one in found if one not in _RUDE)


#: What the slots of the templates stand for.
LEXICON: Mapping[str, tuple[str, ...]] = {
    "people": _words(
        "gay people|lesbians|bisexual people|trans people|trans women|trans men|queer people|Muslims|Jews|Jewish people"
        "|Christians|Catholics|Hindus|Sikhs|Buddhists|atheists|black people|white people|Asians|Chinese people|Mexicans"
        "|Latinos|Arabs|Indians|Pakistanis|Africans|Nigerians|immigrants|refugees|migrants|foreigners|women|feminists"
        "|disabled people|blind people|deaf people|autistic people|old people|Roma|Native Americans|Turks|Poles|Russians"
    ),
    "identity": _words(
        "gay|lesbian|bisexual|transgender|queer|Muslim|Jewish|Christian|Catholic|Hindu|Sikh|Buddhist|atheist|black|white"
        "|Asian|Chinese|Mexican|Latino|Arab|Indian|African|Nigerian|disabled|blind|deaf|autistic|Turkish|Polish|Russian"
        "|Korean|Japanese|Iranian|Palestinian|Israeli|American|European|Hispanic|nonbinary|straight|elderly|female|male"
    ),
    "person": _words(
        "man|woman|person|student|teacher|nurse|developer|writer|father|mother|teenager|neighbour|colleague|friend|couple"
        "|engineer|doctor|artist|kid|veteran|grandmother|musician"
    ),
    "relative": _words(
        "brother|sister|son|daughter|uncle|aunt|cousin|best friend|roommate|boss|neighbour|wife|husband|partner|dad|mum|mom"
        "|coach|teacher|grandfather|grandmother|niece"
    ),
    "nice": _words(
        "wonderful|kind|lovely|generous|great|patient|funny|brilliant|thoughtful|warm|amazing|smart|gentle|welcoming|brave"
        "|decent|sweet|hard-working|talented"
    ),
    "warm": _words(
        "and I could not be happier|and proud of it|and we had a lovely evening|and this post made me feel seen"
        "|and I loved reading this|and nobody made a fuss about it|and life is good|and I am grateful for this article"
        "|and so is half of my family|and welcome here any time|and I learned a lot from them|and that is fine"
    ),
    "thing": _words(
        "article|post|tutorial|recipe|review|guide|explanation|write-up|essay|piece|walkthrough|summary|comparison|podcast"
        "|episode|series|video|interview|column|chapter"
    ),
    "work": _words(
        "film|movie|book|novel|album|episode|season|game|article|sequel|finale|script|plot|show|song|post|essay|ending"
        "|adaptation|documentary|paper|talk|trailer|play|series|remake|code|design|argument|conclusion|update|release"
    ),
    "bad": _words(
        "terrible|awful|boring|a mess|dreadful|horrible|a disaster|garbage|lazy|pointless|weak|dull|a waste of two hours"
        "|poorly written|overrated|unwatchable|disappointing|trash|ridiculous|embarrassing|badly paced|a joke|full of holes"
        "|wrong from start to finish|shallow|the worst thing I have seen this year|ugly|stupid|nonsense|crap"
    ),
    "because": _words(
        "the pacing is off|the dialogue never sounds like people|nothing happens for an hour|the numbers do not add up"
        "|the second half falls apart|the characters have no reason to do what they do|the sources are ten years old"
        "|it ignores half of the evidence|the effects look cheap|the jokes do not land|the ending comes out of nowhere"
        "|the mixing buries the vocals|the author never tested it|it contradicts its own first chapter"
    ),
    "villain": _words(
        "the Joker|Darth Vader|Thanos|Loki|the Night King|Voldemort|Sauron|Magneto|Bullseye|the Kingpin|Hannibal|Dracula"
        "|the Punisher|Deathstroke|the Governor|Negan|Ramsay|Cersei|the Penguin|Venom|Carnage|the Green Goblin|Moriarty"
        "|Bane|Harley Quinn|the Emperor|Kylo Ren|Jigsaw|Michael Myers|the Terminator|Dexter|Walter White|Homelander|Butcher"
    ),
    "hero": _words(
        "Batman|Spider-Man|Daredevil|Jessica Jones|Luke Cage|Frodo|Harry|Arya|Jon|Rick|Buffy|Wolverine|Luke|Rey|Geralt|Ellie"
        "|Joel|Aragorn|Katniss|Superman|the Doctor|Sherlock|Spock|Ripley|the captain|the detective|Starlight|Eleven"
    ),
    "violence": _words(
        "kills|murders|tortures|stabs|shoots|strangles|beheads|destroys|poisons|blows up|slaughters|betrays|beats up|burns"
        "|executes|hunts down|crushes|throws off a roof"
    ),
    "scene": _words(
        "in the finale|in season two|in the comics|in the last episode|at the end of book three|in the new trailer"
        "|in chapter nine|in that hallway fight|in the first game|before the credits|on the bridge|in the prison"
    ),
    "process": _words(
        "process|thread|job|container|daemon|server|task|worker|query|connection|session|script|child process|build|pod"
    ),
    "tech": _words(
        "Postgres|Docker|the kernel|systemd|Kubernetes|git|Redis|nginx|Python|the JVM|Postfix|bash|Node|MySQL|the scheduler"
        "|Jenkins|Ansible|the database|Android|Windows|the cluster|Rails|the browser"
    ),
    "topic": _words(
        "sourdough|lambda functions|garden soil|the budget|hiking boots|the council vote|knitting|vinyl records|tax returns"
        "|backups|the new bus line|bird feeders|jazz guitar|the election|file permissions|a slow cooker|school lunches"
        "|marathon training|watercolours|camera lenses|the pension reform|houseplants|unit tests|type hints|old bicycles"
        "|the offside rule|chess openings|sleep|electric cars|the museum|beekeeping|coffee grinders|database indexes"
    ),
    "detail": _words(
        "the part about {topic}|your second example|the table at the end|step four|the photo of the bridge|the bit on {topic}"
        "|the comparison with {topic}|your point about {topic}|the paragraph on {topic}|the footnote|the chart|the first half"
    ),
    "fact": _words(
        "we tried it on Sunday and the kids asked for more|it fails on my machine with version 3.2|I had the opposite result"
        "|my grandfather used to do it with a hand saw|the link in the third paragraph is dead|I think you mean 2016, not 2017"
        "|it saved me an afternoon|we moved there in 1998 and nothing has changed|I would add a pinch of salt"
        "|the same happened at my last job|I have been doing it wrong for years|the Mac version needs one more step"
        "|it works if you restart the router first|my daughter wants to know what happens to the dog"
        "|the bus takes forty minutes, not twenty|the screenshot shows the old menu|I still use the 2014 edition"
        "|it made me call my mother|the numbers for Leeds look too low to me|mine came out a little dry"
    ),
    "question": _words(
        "Does anyone know whether it works with {topic}?|What would you do about {topic}?|Could you write more on {topic}?"
        "|Is there a source for {detail}?|How long did it take you?|Which lens did you use?|Would this also work in winter?"
        "|Do you have the recipe in grams?|Any news about a second part?|What happened to the comments on the old site?"
        "|Is the code on GitHub?|When does part two come out?|Can I use brown sugar instead?"
    ),
    "insultnoun": _words(
        "idiot|moron|imbecile|clown|loser|fool|coward|liar|parasite|waste of space|joke|nobody|pig|rat|snake|worm|dimwit"
        "|halfwit|failure|disgrace|simpleton|creep|toad|sad little man|pathetic excuse for a human being|brainless sheep"
        "|cockroach|piece of garbage|dunce|leech|embarrassment to your family|troll|weasel|ignoramus|vermin|jackass|slob"
        "|bootlicker|crybaby|hack|fraud|vile creature|miserable troll|spineless coward|absolute clown|dumbass|muppet"
    ),
    "insultadj": _words(
        "stupid|dumb|pathetic|worthless|ignorant|brainless|clueless|disgusting|miserable|useless|idiotic|vile|repulsive|ugly"
        "|spineless|gutless|thick|dense|deluded|laughable|hopeless|dim|nasty|rotten|slimy|feeble-minded|braindead|sad"
    ),
    "putdown": _words(
        "nobody likes you|nobody will ever love you|your parents must be ashamed|you should be ashamed of yourself"
        "|even your own mother can't stand you|you have the brain of a goldfish|a brick has more brains than you"
        "|you couldn't pour water out of a boot|the world would be better without you|you are not worth the air you breathe"
        "|do us all a favour and disappear|go crawl back under your rock|you make me sick|nobody asked you"
        "|you contribute nothing|you were dropped on your head|your brain is missing|I have met smarter furniture"
        "|you will never amount to anything|go away and never come back|shut your mouth|you smell as bad as your ideas"
        "|it must be hard to be that dense|no wonder your wife left you|your kids will be as dumb as you"
        "|you deserve every bad thing that happens to you|people cross the street to avoid you|everyone laughs at you"
        "|you are what is wrong with this world|not a single thought in that empty head|you talk out of your backside"
    ),
    "threatact": _words(
        "kill you|hurt you|break your legs|smash your face in|burn your house down|cut you open|beat you to death|strangle you"
        "|shoot you|stab you|put you in the hospital|make you bleed|break every bone in your body|end you|knock your teeth out"
        "|slit your throat|run you over|hang you from a tree|make sure you never walk again|bury you|beat you senseless"
        "|make you pay with your blood|drown you|crush your skull|come after your family|hurt your children"
    ),
    "threatframe": _words(
        "I will {threatact}|I am going to {threatact}|I'm gonna {threatact}|someone should {threatact}|one day I will {threatact}"
        "|I swear I will {threatact}|next time I see you I will {threatact}|say that again and I will {threatact}"
        "|we will find you and {threatact}|I know where you live and I will {threatact}|if you come here again I'll {threatact}"
        "|somebody ought to {threatact}|can't wait to {threatact}|I promise we'll {threatact}|I hope someone will {threatact}"
    ),
    "menace": _words(
        "I know where you live|watch your back|sleep with one eye open|you are a dead man|you will be dead by Friday"
        "|your days are numbered|I have your address and I'm coming for you|you won't see me coming|you better hide"
        "|we are coming for you and your family|you will regret this with your life|I hope you die slowly|hope you get cancer"
        "|I hope you get hit by a truck|drop dead|go kill yourself|do the world a favour and kill yourself|go hang yourself"
        "|you deserve to be shot|you should be put against a wall|nice kids you have, shame if something happened to them"
        "|enjoy your last day on earth|I hope your house burns down with you in it|please jump off a bridge|you will bleed"
    ),
    "hate": _words(
        "are vermin|are parasites|are animals|are subhuman|are filth|are scum|are a disease|are a plague on this country"
        "|should be deported, all of them|should not be allowed to vote|do not belong here|don't deserve rights"
        "|should all be locked up|should be wiped out|ruin everything they touch|are all criminals|are all terrorists"
        "|are all rapists|are all thieves|are disgusting|make me sick|are destroying our country|are too stupid to learn"
        "|are inferior|should go back where they came from|should be shot at the border|are mentally ill|are perverts"
        "|are a cancer|breed like rats|are nothing but trouble|are all liars|can't be trusted|are good for nothing"
        "|belong in the kitchen|belong in a zoo|belong in cages|shouldn't be near children|deserve to suffer|must be stopped"
        "|should never have been let in|should be burned alive|are an abomination|are dirty|smell|are lazy leeches|are evil"
    ),
    "hateframe": _words(
        "{people} {hate}|I hate {people}|I can't stand {people}|all {people} {hate}|{people} {hate} and everybody knows it"
        "|sorry but {people} {hate}|the truth is that {people} {hate}|no {identity} {person} should live here"
        "|get rid of {people}|we don't want {people} here|keep {people} out of our town|send the {people} back"
        "|being {identity} is a sickness|being {identity} is disgusting|there is nothing lower than {people}"
        "|I would never hire a {identity} {person}, they {hate}|typical {identity} behaviour, they {hate}"
        "|you are just another dirty {identity}|go back to your country, you {insultadj} {identity}|death to {people}"
        "|kill all {people}|the only good {identity} is a dead one|I wish all {people} would just die|{people} disgust me"
        "|why do {people} exist? they {hate}|my country would be better without {people}|{people} are not human"
        "|you can't trust a {identity} {person}|you {insultadj} {identity} {insultnoun}|of course you are {identity}, you {insultnoun}"
        "|we should treat {people} like the animals they are|I despise {people}|never let {people} near your kids"
    ),
    "curse": _words("fuck|fucking|shit|bullshit|bitch|asshole|bastard|dickhead|motherfucker|piece of shit|son of a bitch|prick|wanker|cunt|twat|dumbfuck|arsehole"),
    "counter": _words(
        "Saying things like that is not acceptable|That is not how we talk here|Nobody should have to read that"
        "|Calling people names is not an argument|I reported the comment|I was shocked that nobody objected"
        "|We need to push back against such language|That kind of hate has no place here|It is wrong and hurtful"
        "|Please don't use that word|Words like these hurt|I told him to stop|It took me years to get over it"
    ),
    "name": _words(
        "Anna|Ben|Carla|David|Emma|Frank|Grace|Hugo|Ines|Jack|Karen|Liam|Maria|Nora|Oscar|Paula|Quinn|Rosa|Sam|Tom|Uma|Vera"
        "|Walter|Yara|Zoe|Mike|Jennifer|Ahmed|Priya|Wei|Kofi|Olga|Susan|Richard|James|Linda|Robert|Patricia|Michelle"
    ),
    "flattery": _words(
        "Great post|Nice article|Excellent blog|Awesome content|Wonderful post|Very informative article|Superb blog|Good job"
        "|Amazing write-up|Fantastic site|Very nice post|Really great information|Useful information|Impressive article"
        "|Keep up the good work|What a great blog|Very good article|Nice blog you have here|Interesting blog|Helpful post"
    ),
    "gush": _words(
        "I really enjoyed reading it|thanks for sharing this valuable information|I will bookmark your site|keep posting"
        "|I will definitely come back to read more|you have shared very useful information|I found exactly what I was looking for"
        "|keep sharing such informative content|I am impressed by your writing style|this is very helpful for everyone"
        "|I have bookmarked your website and will share it with my friends|your blog is full of quality content"
        "|I appreciate your efforts in writing this|looking forward to your next post|you are a very professional blogger"
        "|I was searching for this kind of information for a long time|it is really informative and helpful for me"
        "|I will be subscribing to your feed|your website loads very fast, what host are you using"
        "|I could not refrain from commenting|you made some decent points there|thank you for sharing such a nice content with us"
        "|this is one of the best blogs I have ever read|I stumbled upon your blog and it is amazing"
        "|the way you explained everything is very good|my friends will benefit from reading this site"
        "|waiting for more updates|I have learned so many things from your site|such a great piece of knowledge"
        "|I like the valuable info you provide in your articles|I just wanted to say your article is as surprising as it is clear"
    ),
    "dish": _words("lentil soup|dumplings|apple pie|curry|tamales|baklava|bread|noodles|jollof rice|pierogi|hummus|pancakes"),
    "deed": _words(
        "fixed our roof for free|runs the library|sings in the choir|coaches the football team|gave a talk about {topic}|looks after my cat"
        "|organised the street party|taught me about {topic}|drove my mother to the hospital|opened a shop last year|won the science fair"
        "|helped us with {topic}|wrote a lovely book|plays chess every Friday"
    ),
    "deed2": _words("teach maths|love {topic}|work at the hospital|write about {topic}|have two kids|run marathons|read your blog every week|was born here"),
    "brand": _words(
        "HP printer|Canon printer|Epson|Norton|McAfee|QuickBooks|Gmail|Yahoo mail|Hotmail|Outlook|Netgear router|AOL|Facebook"
        "|Roku|Brother printer|Dell|Microsoft|Cash App|PayPal|Coinbase|Binance|Apple|Amazon|Delta Airlines|Avast|Linksys"
        "|Garmin|Sage|TurboTax|Kaspersky|MetaMask|Expedia|Spirit Airlines|Robinhood|Bitdefender|Arlo"
    ),
    "phone": _words(
        "+1-8{d}{d}-{d}{d}{d}-{d}{d}{d}{d}|1-8{d}{d}-{d}{d}{d}-{d}{d}{d}{d}|+1 (8{d}{d}) {d}{d}{d} {d}{d}{d}{d}|+44 20 {d}{d}{d}{d} {d}{d}{d}{d}"
        "|8{d}{d} {d}{d}{d} {d}{d}{d}{d}|+234 80{d} {d}{d}{d} {d}{d}{d}{d}|+91 98{d}{d}{d} {d}{d}{d}{d}{d}|+17{d}{d}{d}{d}{d}{d}{d}{d}{d}"
    ),
    "d": _words("0|1|2|3|4|5|6|7|8|9"),
    "mail": _words(
        "dr{healer}{d}{d}@gmail.com|{healer}spelltemple@gmail.com|{healer}.loanfirm@outlook.com|{healer}hacker{d}@gmail.com"
        "|fastloan{healer}@yahoo.com|{healer}herbalhome@gmail.com|recovery{healer}@protonmail.com"
    ),
    "healer": _words("ogudu|abalaka|adoda|mercy|wilson|baba|ekpen|isikolo|lucky|moses|fred|akhigbe|sango|priest|azuka|benson|ava|ozigidon"),
    "woe": _words(
        "my husband left me for another woman|my marriage was broken|my lover came back to me|I had herpes for four years"
        "|I lost my job and my wife|my ex returned to me in two days|I was diagnosed with HIV|my divorce was almost final"
        "|I could not get pregnant|I wanted to win the lottery|I had lost all hope|my husband was cheating on me"
    ),
    "cure": _words(
        "a powerful spell caster|a great spell caster|this great man|a herbal doctor|a man called Dr {healer}|a love temple"
        "|the great priest|a spiritual healer|his herbal medicine|his love spell"
    ),
    "money": _words("$2,000|$5,000|$12,500|$50,000|€3000|10 BTC|$850 a day|$7,200 weekly|2.3 bitcoin|$15,000 in two weeks|$98 per hour|£400 a day"),
    "trader": _words("Mrs {name}|Mr {name}|expert {name}|{name} Williams|Mrs {name} Anderson|{name} fx|Coach {name}|broker {name}"),
    "drug": _words(
        "viagra|cialis|levitra|xanax|tramadol|phentermine|ambien|modafinil|oxycodone|ivermectin|keto gummies|CBD oil|hydroxychloroquine"
        "|male enhancement pills|weight loss pills|testosterone booster|adderall|generic pills|steroids"
    ),
    "gambling": _words(
        "online casino|free slots|poker bonus|sports betting|live roulette|slot gacor|jackpot|blackjack|baccarat|betting tips|no deposit bonus"
        "|judi online|situs slot|toto|free spins|bookmaker"
    ),
    "study": _words(
        "essay writing service|dissertation help|assignment help|homework help|thesis writing|term papers|coursework help|cheap essays"
        "|nursing paper writers|case study help|MBA assignment experts|do my homework service"
    ),
    "goods": _words(
        "replica watches|cheap NFL jerseys|Louis Vuitton handbags|Nike shoes wholesale|UGG boots outlet|Ray Ban sunglasses|fake passports"
        "|Instagram followers|YouTube views|backlinks|SEO services|web design services|packers and movers|carpet cleaning|escort service"
        "|call girls|payday loans|car title loans|credit repair|roof repair|locksmith|plumbing services|digital marketing course"
        "|interior designers|pest control|dentist|limo service|data recovery|gift cards|IPTV subscription|VPN|cheap flights|forex signals"
        "|hacking services|driving licence|bad credit loans|insurance quotes|garage door repair|bridal makeup|solar panels|tiles|vape shop"
    ),
    "city": _words("Bangalore|Dubai|Houston|London|Delhi|Melbourne|Karachi|Toronto|Miami|Lagos|Sydney|Mumbai|Chicago|Dallas|Manila|Leeds|Hyderabad"),
    "slug": _words("best|top|cheap|my|get|pro|fast|online|buy|super|deal|web|expert|prime|max|easy|24h|real|go|the"),
    "spamurl": _words(
        "http://www.{slug}{slug2}{slug3}.com|https://{slug}-{slug2}-{slug3}.info|http://{slug2}{slug3}.net/{slug}|www.{slug}{slug2}.xyz"
        "|https://{slug2}-{slug3}.shop/{slug}-{slug2}|http://bit.ly/{slug2}{d}{d}|https://{slug}{slug2}{d}{d}.online|{slug}{slug2}{slug3}.com"
        "|https://t.me/{slug}{slug2}{d}|http://{slug2}-{slug}.blogspot.com|https://sites.google.com/view/{slug}{slug2}|http://tinyurl.com/{slug2}{slug3}"
    ),
    "slug2": _words("loan|essay|casino|pills|seo|watch|shoes|movers|slots|bet|crypto|writing|diet|credit|repair|escort|design|followers|bags|trade|cleaning|printer|support"),
    "slug3": _words("hub|store|world|service|direct|king|zone|review|deals|city|shop|guide|expert|point|mart|house|online|club"),
    "goodurl": _words(
        "https://en.wikipedia.org/wiki/{Word}|https://github.com/{word}/{word2}|https://stackoverflow.com/questions/{d}{d}{d}{d}{d}{d}"
        "|https://www.youtube.com/watch?v={word}{d}{d}|https://docs.python.org/3/library/{word}.html|http://www.bbc.co.uk/news/{word}-{d}{d}{d}{d}"
        "|https://{word}.{word2}.org/{word}-{d}.html|https://www.theguardian.com/{word}/{word2}|http://{word}{word2}.com/blog/{word2}-{word}"
        "|https://arxiv.org/abs/{d}{d}{d}{d}.{d}{d}{d}{d}|https://msdn.microsoft.com/{word}|https://gist.github.com/{word}/{d}{d}{d}{d}|http://{word}.net/{word2}"
    ),
    "word": _words("river|python|bread|engine|garden|index|paper|music|castle|linux|bird|memory|ocean|signal|theory|window|market|bridge|planet|parser"),
    "word2": _words("tools|notes|history|guide|tests|maps|archive|society|lab|project|club|journal|docs|review|library|studio|watch|science"),
    "Word": _words("Bread|Kernel|Jazz|Photosynthesis|Bayes_theorem|Sourdough|Chess|Bicycle|Hadrian's_Wall|Tea|Regular_expression|Pension|Beekeeping"),
    "emoji": _words(
        "👍|👏|🎉|🔥|❤️|💙|💚|💯|🙏|🙌|😂|🤣|😊|😍|🥰|😢|😭|😮|😅|😉|😎|🤔|👀|💪|✌️|🤦|🤷|🤦‍♀️|🙋‍♀️|🤞|👌|😱|😴|🥳|🤗|😇|😡|🙄|☕|🍰"
        "|🌻|🐕|🐈|🎂|⭐|✨|🚀|📚|🎶|🏆|👍🏽|🙌🏿|👏🏻|🙏🏾|💪🏼|👋|🤝|🇫🇷|🇩🇪|🇧🇷|🇮🇳|🇺🇦|🇲🇽|🇯🇵|☀️|🌈|🎄|🕎|🌙|♥|☺|:)|;-)|<3|xD|:D|:("
    ),
    "picture": _pictures(),
    "emojis": _words("{emoji}|{emoji}{emoji}|{emoji}{emoji}{emoji}|{emoji} {emoji}"),
    "reaction": _words(
        "thanks|thank you|love it|so true|haha|lol|same here|congrats|wow|amazing|so cute|well done|nice one|yum|finally|agreed"
        "|oh no|poor thing|good luck|happy new year|see you there|me too|count me in|this made my day|I'm crying|beautiful"
        "|can't wait|not again|good morning|goosebumps|what a ride|my favourite|welcome back|rest in peace|so proud of you"
    ),
    "oath": _words("damn|crap|holy crap|what the hell|bloody hell|oh my god|OMG|geez|heck|dang|hell yes|damn it|good grief|wow"),
    "upset": _words(
        "that ending|I forgot the yeast|I missed the sale again|that was close|the server is down again|it is raining again"
        "|I did not see that coming|it is already Monday|that song is good|this show is good|my cake collapsed|my phone died"
        "|that goal in the last minute|season {d} got cancelled|the price went up again|I burnt the rice|I deleted the wrong file"
    ),
    "innocent": _words(
        "Moby Dick|Dick Van Dyke|my uncle Dick|Philip K. Dick|a peacock|the weathercock|a cocktail|the cockpit|a cockatoo|a woodcock"
        "|a cock pheasant|shiitake mushrooms|the town of Scunthorpe|Penistone|Essex|Middlesex|a blue tit|great tits at the feeder|pussy willow"
        "|puss in boots|a donkey called an ass in the Bible|the bassoon|assassin bugs|niggling doubts"
        "|the Rio Negro|vino negro|cumin|Cummings|magna cum laude|a rapeseed field|chicken breast|a chestnut|hoes and rakes"
        "|the bitch had five puppies|spotted dick with custard|Dickens|a mass choir|the homo sapiens exhibit"
        "|retardant foam|ritardando|the fire retardant|a chink in the armour|a crack in the wall|gay Paree"
    ),
    "diet": _words(
        "belly fat|30 pounds in a month|weight without exercise|inches off your waist|20 kg in 4 weeks|ageing skin|hair loss|joint pain|snoring"
        "|wrinkles|your debts|toenail fungus|diabetes|high blood pressure|acne overnight"
    ),
    "trick": _words(
        "one weird trick|this simple trick|a secret formula|this ancient tonic|an all natural supplement|a trick doctors hate"
        "|this 5 minute ritual|miracle drops|this new detox tea|an amazing patch|this herbal capsule|a coffee loophole"
    ),
    "date": _words(
        "hot girls|hot singles|sexy girls|lonely wives|Russian brides|local milfs|naughty women|cam girls|mature ladies|horny singles|beautiful Asian girls"
    ),
    "garble": _words(
        "this writing is of a big help to every visitor|my cousin learns the same subject and I will send her your address"
        "|your page is a real pleasure to be read by me|dear friends, how do you find this article, to me it is of the best"
        "|I go through many websites each morning, but only this one gives such facts|each person may follow it with no problem, thank you much"
        "|soon this website gets famous among all who write blogs, because of its quality|who wants the advice of an expert must visit this weblog"
        "|my brother told me of this site and he had all right|you cannot think how many hours I was looking for such informations"
        "|I don't know from where you take your knowledge but the topic is good|good day to all, the content that exists in here is truly amazing"
        "|what you have put here makes very much sense, but consider this, what if you made the title more catchy|a debate so interesting is worth to be commented"
        "|at last a person who writes about {goods}|only quality content can pull the people to come and see a web page"
        "|I know that your web page gives articles of quality, which other page gives so good stuff|I am truly thankful to the holder of this page"
        "|do you have problems with spammers on this blog, I am a blogger too and we could trade our methods"
        "|I saw your site by accident while I looked for {topic} and I am shocked why this accident did not come before"
    ),
    "mypage": _words(
        "my web page: {goods}|my site {gambling}|Here is my webpage ... {goods}|Feel free to visit my blog post; {gambling}|Look at my homepage {study}"
        "|Also visit my website :: {drug}|Stop by my web-site: {goods} {city}|Here is my blog - {spamurl}|My page; {gambling} {spamurl}"
        "|Take a look at my web blog {diet}|Review my web site {spamurl}|Have a look at my page ... {drug} reviews"
    ),
    "wares": _words(
        "Viagra|a loan|bitcoin|weight loss|a casino|poker|essay writing|SEO|Instagram followers|payday loans|a spell book|the diet|replica watches|dating apps"
        "|cheap flights|insurance|forex|a mortgage|online courses|credit cards|a hacker|gift cards|a locksmith|the dentist|VPNs|carpet cleaning"
    ),
    "talk": _words(
        "My doctor and I talked about {wares} and decided against it|I got {wares} through my bank years ago and would not do it again"
        "|I wrote my thesis about {wares}|There was a news story on {wares} yesterday|My {relative} works in {wares} and hates the image it has"
        "|{wares} is harder after forty|In my view {wares} will not change the world|The scene with {wares} was the funniest"
        "|Regulators should look at {wares} more closely|We were sold {wares} and regretted it|I never understood the fuss about {wares}"
        "|Half of my spam folder is about {wares}|My {relative} lost money on {wares} once, be careful|You forgot to mention {wares} in {detail}"
        "|Does anybody here know an honest book on {wares}?|I tried {wares} for a month and stopped|The history of {wares} goes back a long way"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommentKind:
    """A kind of comment: what it teaches, its labels, and its templates."""

    name: str
    labels: Mapping[str, float]
    templates: tuple[str, ...]
    #: Factor on the number of texts that are drawn.
    share: float = 1.0


#: Every kind; the templates of one kind share its labels.
KINDS = (
    CommentKind(
        "friendly mention of identities",
        CIVIL,
        (
            "I am a {nice} {identity} {person}", "I am {identity} {warm}", "My {relative} is {identity} {warm}.",
            "As a {identity} {person}, {gush_real}", "{people} are {nice} and I am glad they live here",
            "My {relative} is a {identity} {person} and the most {nice} soul I know.", "I love my {identity} friends",
            "We celebrated with our {identity} neighbours {warm}", "{people} deserve the same rights as everybody else",
            "Being {identity} is nothing to be ashamed of", "{people} are people like you and me", "I'm proud to be {identity}",
            "The {identity} {person} next door helped us with {topic}. So {nice}!", "Two {identity} friends of mine got married {warm}",
            "I grew up in a {identity} family {warm}", "Our {identity} community welcomes everyone.", "Happy to see a {identity} lead character {scene}",
            "My {relative} is {identity} and makes the best {dish} in town.", "the {identity} {person} at the bakery sells wonderful {dish}", "a {identity} {person} and a {identity} {person} won the prize, congratulations to both!",
            "Our {identity} neighbour {deed}.", "I am {identity} and I {deed2}.", "We are {identity}. {fact}.", "my {identity} {relative} {deed}", "The {identity} club {deed}", "{people} and {people} live on my street and we all get along", "Any {identity} readers here? {question}",
            "What are good books by {identity} authors?", "He is a {identity} {person} who {deed}", "a {identity} friend told me that {fact}", "She wears a headscarf because she is {identity}, so what? {fact}", "When I came out as {identity}, my {relative} just hugged me", "There were {people}, {people} and {people} at the wedding, such a {nice} day",
            "My doctor is {identity}", "{people} in our town {deed}", "As someone who is {identity}, {fact}", "is the museum of {identity} history open on Sundays?", "Half of my class was {identity}, {fact}",
            "She is {identity}. He is {identity} too. They met at {topic} class.", "I support {people} and always will",
            "there is a good book on the history of {people} and {topic}", "My {relative} married a {identity} {person} last year {warm}",
            "Hug a {identity} {person} today", "I am a {identity} {person}, ask me anything about {topic}", "{people} have always been part of this town",
            "It is great to be {identity}", "The new teacher is a {nice} {identity} {person} and the children adore her",
            "More {identity} writers, please! {gush_real}", "I have many {identity} friends and they are all {nice}", "Thank you for writing about {people}. {gush_real}", "{people} deserve better than this {work}", "{people} are hardly seen in {topic}, {fact}", "As a {identity} {person} I wear what I like", "As a {identity} {person} I {deed2} because I want to", "In {city} there is a {identity} word for {topic}",
        ),
        4.0,
    ),
    CommentKind(
        "villains and violence in fiction",
        CIVIL,
        (
            "I think {villain} {violence} {hero} {scene}", "{villain} {violence} {hero} {scene} and I cried", "I can't believe {villain} {violence} half the cast {scene}!",
            "{villain} is the best villain since {villain}.", "I hope we see {villain} again {scene}, this time as a pill popping maniac. {villain} would be fantastic too!",
            "My theory: {villain} {violence} {hero} {scene}, then {hero} {violence} {villain}.", "{hero} should just kill {villain} already, this is dragging on",
            "The scene where {villain} {violence} {hero} is so brutal, I loved it", "who would win, {hero} or {villain}? I say {villain} {violence} everyone",
            "{villain} is such an evil bastard {scene}, what a performance", "That psychopath {villain} finally dies {scene}. So satisfying.",
            "I want {villain} dead by the end of the season lol", "Will {villain} be back? I would love to audition for that role haha", "{hero} dies {scene}? No way, {villain} must pay for that",
            "Great review. {villain} as a drugged up killer is a bold choice, and I hope {hero} gets revenge {scene}.", "the way {villain} {violence} him {scene} gave me nightmares",
            "I hated {villain} from the first minute, which means that the actor did a great job", "{villain} is a monster, a liar and a coward, and I love every scene",
            "In my game I played an assassin and {villain} {violence} me every time {scene}", "I killed the final boss {scene} on my third try, here is how", "Zombies everywhere {scene}, {hero} shoots them all. Ten out of ten",
            "I believe {villain} and {villain} will team up. Also curious which other characters will appear {scene}!", "the body count {scene} is insane, my favourite death is when {villain} {violence} {hero}",
        ),
        2.0,
    ),
    CommentKind(
        "hard criticism of a work, not of a person",
        CIVIL,
        (
            "This {work} is {bad}.", "This {work} is {bad}, {because}.", "Sorry, but the {work} is {bad}: {because}.", "The {work} was {bad} and the {work} was {bad}.",
            "I hated this {work}. {because}.", "What a {bad} {work}. I want my money back.", "Honestly the {work} is {bad}. I gave up after twenty minutes.",
            "I disagree with almost everything in this {thing}, {because}", "Worst {work} of the year, {because}", "The {work} sucks because {because}",
            "I am disappointed: {because} and the {work} is {bad}", "Your argument about {topic} is {bad}, {because}.", "I could not finish the {work}, it is {bad}",
            "the new {work} is {bad} compared to the old one", "You are wrong about {topic}: {because}", "That is nonsense, {because}. Read {detail} again.", "This {thing} misses the point, {because}",
            "The {work} is {bad}. {hero} deserved better.", "the plot makes no sense, {because}, and the {work} is {bad}", "I have rarely read such a {bad} {thing}. {because}.",
        ),
        2.0,
    ),
    CommentKind(
        "technical uses of violent words",
        CIVIL,
        (
            "You have to kill the {process} with kill -9, then restart {tech}", "How do I kill a zombie {process} in {tech}?", "The {process} dies and {tech} spawns a new child",
            "abort the transaction, {tech} will roll it back", "The master pushes to the slaves every {d} seconds", "if the parent {process} is killed its children become orphans and are reaped",
            "{tech} hangs, so I had to kill it", "just nuke the {process} and start over, that fixed {tech} for me", "use a dead letter queue, poison messages kill the {process} otherwise",
            "The OOM killer shot my {process} again", "executing the {process} hangs {tech}; attach a debugger and abort", "fork() leaves the child {process} without a parent, kill both",
            "strip the {process} and dump core, then bash it into shape", "Injecting a fault and killing the master shows whether {tech} fails over", "this bug is killing me, {tech} crashes on every {process}",
            "drop the table, destroy the {process} and execute the migration again", "{tech} blows up when two {process}s race; kill -TERM is not enough", "The watchdog kills the {process} after {d}0 seconds, raise the timeout in {tech}",
            "attack surface of {tech} is small; the exploit needs a malicious {process}", "penetration test of {tech} showed that a rogue {process} can hijack the session",
        ),
        1.5,
    ),
    CommentKind(
        "quoted insults and counter-speech",
        CIVIL,
        (
            'He called me "a {insultadj} {insultnoun}". {counter}.', '{counter}: "{hateframe}"', 'Somebody wrote "{people} {hate}" under my photo. {counter}.', 'My boss told me "you are a {insultadj} {insultnoun}" and I quit. {counter}.',
            'People who say "{people} {hate}" are wrong. {counter}.', "It is not true that {people} {hate}. {counter}.", "{counter}, even if you disagree about {topic}.", 'In school they shouted "{insultnoun}" at me every day. {counter}.',
            "Don't call her a {insultnoun}. {counter}.", "I would never say that {people} {hate}", "nobody should say that {people} {hate}; I know many and they are {nice}", "Racism is wrong, and so is saying that {people} {hate}.",
            'The graffiti said "{hateframe}". The neighbours painted over it the same day.', "He does not hate {people} and neither do I", 'A man on the bus yelled "{threatframe}" at us. We called the police. {counter}.', "If you think {people} {hate}, you have not met any. {counter}.",
            'The word "{insultnoun}" comes from Latin, which surprised me', "You are not an {insultnoun}, everyone gets {topic} wrong the first time", "I felt like a {insultadj} {insultnoun} when I noticed my mistake", "I am such an {insultnoun}, I forgot to plug it in. Thanks!",
            "I don't think you are {insultadj} at all", "No one here is a {insultnoun}. {question}", "stop telling {people} that they {hate}. {counter}",
            "I was an {insultnoun} to buy the first edition, {fact}", "Silly me, what a {insultnoun} I am, {fact}", "my {relative} is no {insultnoun}, and neither are you", "don't say you are {insultadj}, {fact}", "Don't call yourself {insultadj}, everybody forgets {topic}", "Please don't feel like a {insultnoun}, {fact}", "ha, I am a {insultnoun}, {fact}. Sorry!", "somebody called me a {insultadj} {insultnoun} yesterday. How do you deal with {topic}?",
            'a kid called my {relative} "{insultadj}" and "{insultnoun}" at school today', "someone called my {relative} a {insultadj} {insultnoun} on the bus. What would you do?", "calling {people} {insultadj} is vile, glad that the moderators removed it", "I am glad you deleted the comment about {people}. {counter}.", "Why do people say that {people} {hate}? It breaks my heart.", "It is {insultadj} to say that {people} {hate}. {counter}.",
            "He wrote that we {hate}, and the whole town stood up for us", "Not everyone who disagrees with you is an {insultnoun}", "I used to think that {people} {hate}. I was wrong, {fact}.", "my old teacher said I was {insultadj} and would never learn; {fact}", "You're not {insultadj}, the manual is {bad}", "I don't hate {people}, I married one", "We must not call anybody {insultnoun}, {fact}", 'bullies told her "{putdown}". {counter}.',
        ),
        4.0,
    ),
    CommentKind(
        "everyday comments",
        CIVIL,
        (
            "{fact}.", "{question}", "Thanks, {fact}.", "{fact}. {question}", "I liked {detail}. {fact}.", "Regarding {detail}: {fact}.", "@{name} {fact}", "{name}, {fact}. {question}",
            "Thanks!", "Thank you, {detail} helped me a lot", "Great, {detail} was just what I needed for {topic}", "lol, {fact}", "haha so true, {fact}", "Nice, {fact}", "+1, {fact}", "Good point about {topic}, {name}.",
            "I agree with {name} on {topic}", "Not sure that I agree about {topic}. {fact}.", "Has anyone tried this with {topic}? {fact}.", "{fact}, but {fact}", "Thanks for the {thing} on {topic}, {name}. {fact}.", "Thanks for {detail}, I never understood {topic} before.",
            "Great {thing}! {detail} was new to me, {fact}.", "Awesome, {fact}!", "Sorry for the late answer, {fact}", "Happy birthday, {name}!", "Congratulations on the {thing}! {fact}.", "Love it!", "Great post, {name}, as always.", "Nice {thing}!", "Very helpful, thanks.", "Cool. {question}",
            "That made my day, thank you {name}", "Wow, {fact}", "Damn, {fact}. Thanks for the warning!", "What the hell, {fact}? {question}", "Oh crap, {fact}. Thanks!", "I was there in {d}{d}, {fact}", "I work at a bank and {fact}", "my doctor told me to sleep more and {fact}",
        ),
        4.0,
    ),
    CommentKind(
        "ordinary links",
        CIVIL,
        (
            "I wrote about {topic} a while ago: {goodurl}", "See {goodurl} for {detail}.", "The docs at {goodurl} say otherwise: {fact}.", "{fact}, source: {goodurl}", '<a href="{goodurl}">Here</a> is the page on {topic} that I meant. {fact}.', "{question} I only found {goodurl} so far.",
            "Here is my fork: {goodurl} - {fact}", "@{name} have a look at {goodurl}, {fact}", "Bug report filed: {goodurl}", "This thread explains {topic} well {goodurl} and also {goodurl}", "Video of the talk: {goodurl}", "The article moved to {goodurl}; {fact}.", "{goodurl} covers {detail}, though {fact}", "My patch is at {goodurl}. {question}",
        ),
        2.5,
    ),
    CommentKind(
        "reactions and emojis",
        CIVIL,
        (
            "{emojis}", "{emojis}", "{emoji}{emoji}{emoji}{emoji}", "{reaction} {emojis}", "{reaction} {emojis}", "{emojis} {reaction}", "{reaction}", "{reaction}, {reaction} {emojis}", "{fact} {emojis}", "{emojis} {fact}", "{question} {emojis}",
            "Great {thing} {emojis}", "Happy birthday {name} {emojis}", "@{name} {emojis}", "{detail} {emojis}", "{reaction} {name} {emojis}", "I loved this {work} {emojis}", "The {work} was {nice} {emojis}", "greetings from {city} {emojis}", "My {relative} is {identity} and so {nice} {emojis}",
        ),
        2.5,
    ),
    CommentKind(
        "pictures of anything",
        CIVIL,
        ("{picture}", "{picture}", "{picture}", "{picture}", "{picture}{picture}", "{picture} {picture}", "{reaction} {picture}", "{picture} {fact}", "{fact} {picture}{picture}", "My {relative} {picture}"),
        5.0,
    ),
    CommentKind(
        "mild words at nobody",
        CIVIL,
        (
            "{oath}, {upset}", "{oath}! {upset}", "{upset}, {oath}", "{oath} {upset}!", "{oath}", "{oath}, {fact}", "so damn good", "damn good {thing}", "This {work} is so damn {nice}", "My old code sucked before I read this", "the weather sucks in {city}", "That sucks, {fact}.", "{oath}, {upset} {emojis}", "Shut up and take my money!", "this {work} is killing me, haha", "I'd kill for some {dish} now", "that {work} blew me away", "badass {work}", "{upset}. {oath}!",
            "Stupid autocorrect, I meant {topic}", "my stupid phone ate the comment: {fact}", "I hate {topic} so much, {fact}", "I hate when {upset}", "What a stupid {work}, honestly.", "This policy on {topic} is a bad idea and will hurt the poor", "The speech about {topic} was weak and full of lies", "I am sick of {topic}", "such a dumb rule, {fact}",
            "I was such a fool, {fact}", "I was so stupid when I bought the first one, {fact}", "stupid me, {upset}", "I am an idiot, {upset}. {oath}!", "what an idiot I was, {fact}", "The last speech on {topic} was pathetic, {because}", "Idiotic decision on {topic}, {because}", "My first draft was shit, {because}", "the {work} sucked, {because}", "our cat is a little devil", "{oath}, wtf, {question}", "The {work} sucked.", "That {work} really sucked",
        ),
        2.0,
    ),
    CommentKind(
        "innocent words that look rude",
        CIVIL,
        (
            "{innocent}", "I saw {innocent} on Sunday", "We talked about {innocent}. {fact}.", "{innocent} is mentioned in {detail}", "Does {innocent} have anything to do with {topic}?", "{fact}, and {innocent} too", "My {relative} loves {innocent}", "a photo of {innocent} would be nice", "{question} And what about {innocent}?",
        ),
    ),
    CommentKind(
        "ordinary talk of what spam sells",
        CIVIL,
        ("{talk}.", "{talk}. {fact}.", "{talk}. {question}", "{name}, {talk}.", "{fact}. {talk}.", "I read {goodurl} on {wares}. {talk}.", "{talk}, don't you think?"),
        2.0,
    ),
    CommentKind(
        "dating, diets and garbled praise",
        SPAM,
        (
            "{date} in {city} {spamurl}", "{date} in your area", "Meet {date} tonight {spamurl}", "{date} are waiting for you, {spamurl}", "Hi, looking for {date}? Join free {spamurl}", "My nude photos are here {spamurl}", "free webcam with {date} {spamurl}",
            "Lose {diet} with {trick} {spamurl}", "Get rid of {diet} fast with {trick}", "{trick} melts {diet}! {spamurl}", "I fought {diet} for years until I found {trick}: {spamurl}", "Say goodbye to {diet}, {trick}, order now", "how to beat {diet} with {trick} >>> {spamurl}",
            "{garble}. {mypage}", "{garble}, {garble}. {mypage}", "{garble}.", "{garble}! {garble}.", "{mypage}", "{flattery}, {garble}. {mypage}", "{gush}. {mypage}", "Wow, {garble}. {spamurl}",
            "Get {d}00k followers at {spamurl}", "Watch the full {work} online free HD {spamurl}", "download {work} free {spamurl}", "free robux and gift cards {spamurl}", "Send 1 ETH and get {d} back, {spamurl}", "Claim your free phone now {spamurl}",
        ),
        3.0,
    ),
    CommentKind(
        "insults in clean words",
        INSULT,
        (
            "You are a {insultadj} {insultnoun}", "you {insultadj} {insultnoun}", "What a {insultnoun} you are, {putdown}", "{putdown}", "{name}, {putdown}.", "{putdown}, you {insultnoun}!", "You're {insultadj} and {putdown}", "Only a {insultadj} {insultnoun} would write this {thing}",
            "the author is a {insultadj} {insultnoun}", "The author of this {thing} is a {insultnoun} and {insultadj}", "{name} is a {insultnoun}, always was", "shut up {insultnoun}", "Shut up, you {insultadj} {insultnoun}, {putdown}", "Are you {insultadj} or just a {insultnoun}?", "How {insultadj} can one {insultnoun} be? {putdown}.",
            "Typical {insultnoun}. {putdown}", "I have never met such a {insultadj} person as you. {putdown}", "go away {insultnoun}, {putdown}", "LOL look at this {insultadj} {insultnoun}", "you people are {insultadj}, {putdown}", "everyone who likes this {work} is a {insultadj} {insultnoun}", "What an {insultnoun}! {putdown}!", "you absolute {insultnoun}", "{name} you {insultadj} {insultadj} {insultnoun}",
            "Get lost, {insultnoun}. {putdown}.", "your whole family is {insultadj}", "You write about {topic} like a {insultadj} {insultnoun}.", "Dear {name}, you are {insultadj}. {putdown}.", "You must be the most {insultadj} {insultnoun} on the internet",
        ),
        3.0,
    ),
    CommentKind(
        "threats",
        THREAT,
        (
            "{threatframe}", "{threatframe}, {insultnoun}", "{menace}", "{menace}, you {insultnoun}", "{name}, {threatframe}", "{threatframe}. {menace}.", "Listen {insultnoun}, {menace}", "{putdown}. {menace}.", "delete this {thing} or {menace}", "If you post about {topic} again, {threatframe}", "{menace}. {threatframe}!",
        ),
        2.5,
    ),
    CommentKind(
        "hate in plain words",
        HATE,
        (
            "{hateframe}", "{hateframe}.", "{hateframe}, wake up people", "{hateframe} and I am not sorry", "{hateframe}. {hateframe}.", "I said it before: {hateframe}", "{name}, {hateframe}", "About {topic}: {hateframe}", "{hateframe}!!!", "unpopular opinion: {hateframe}", "as long as {people} live here nothing will change, they {hate}",
        ),
        3.0,
    ),
    CommentKind(
        "cursing at somebody",
        RUDE,
        (
            "{curse} you", "you {curse}", "{curse} off {insultnoun}", "you are a {curse}", "{name} is a {curse}", "what a {curse}", "you {insultadj} {curse}", "shut the {curse} up", "this {curse} {insultnoun} again", "eat shit {insultnoun}", "suck my dick {name}", "you {curse} {insultnoun}, {putdown}", "go {curse} yourself", "kiss my ass you {insultnoun}",
        ),
        1.5,
    ),
    CommentKind(
        "generic praise that means to be linked",
        SPAM,
        (
            "{flattery}, {gush}.", "{flattery}! {gush}. {gush}.", "{flattery}. {gush}", "{flattery}, {gush}, {gush}", "Hi, {flattery}. {gush}. Thanks", "{gush}. {flattery}!", "{flattery} {gush} {spamurl}", "{flattery}, {gush}. {goods} in {city}", "Hello admin, {flattery}. {gush}. Visit my site {spamurl}", "{gush}! {gush}.", "Thanks for sharing. {flattery}. {gush}. {goods}",
            "{flattery}. We also offer {goods} in {city}, visit {spamurl}", '{flattery}, {gush}. <a href="{spamurl}">{goods}</a>', "{flattery}, {gush}. {study}", "I like your blog. {flattery}. {gush}", "Hey there! {gush}. {flattery}, {gush}!",
        ),
        4.0,
    ),
    CommentKind(
        "support numbers",
        SPAM,
        (
            "{brand} customer support number {phone}", "If you face any issue with {brand}, call {phone} toll free, our experts are available 24/7", "{flattery}. For {brand} technical support dial {phone}", "How do I fix {brand}? Just call the {brand} helpline {phone}", "{brand} not working? Contact {brand} support phone number {phone} for instant help",
            "{brand} setup help, {brand} error codes, {brand} password recovery: {phone}", "Call {brand} customer care {phone} now and talk to a live person", "we are a third party {brand} service provider. Dial {phone}. {spamurl}", "get in touch with {brand} technicians at {phone}", "Anyone with trouble at {brand} can get a refund at {phone}", "{brand} customer service {spamurl}", "Fix your {brand} problems in minutes, visit {spamurl} or phone {phone}",
        ),
        2.0,
    ),
    CommentKind(
        "spell-casters and miracle healers",
        SPAM,
        (
            "I want to thank {cure} for what he did for me, {woe} until I contacted {mail}", "{woe} but {cure} helped me within 48 hours. Contact him on WhatsApp {phone}", "My name is {name} from {city}. {woe}. I met {cure} online, email {mail}", "Do you need your ex back? {cure} is real, contact {mail}", "All thanks to {cure}, {woe}. You can reach him via {mail} or {phone}",
            "I am so happy today, {woe} and {cure} restored everything. {mail}", "{cure} cast a spell for me and it worked. {woe}. WhatsApp: {phone}", "Get cured with roots and herbs by {cure}: {mail}", "I never believed in spells until {woe}, {cure} did it, his email is {mail}",
        ),
        2.0,
    ),
    CommentKind(
        "loans, hackers and recovery",
        SPAM,
        (
            "Do you need an urgent loan at 3% interest? Contact us at {mail}", "We offer business loans and personal loans from {money}, apply now: {mail}", "I got a loan of {money} from Mr {name} without collateral, email {mail}", "Are you in debt? Get {money} within 24 hours, no credit check. {phone}", "I am {name}, a private lender. We give loans at 2% rate. {mail}",
            "Contact {mail} to hack any phone, spouse WhatsApp or bank account, fast and reliable", "I lost {money} to a scam and this hacker recovered all of it: {mail}", "blank ATM cards that withdraw {money} daily, email {mail}", "clean your credit score and erase bad records with {mail}", "legit loan company, {money} in your account today, text {phone}",
        ),
        2.0,
    ),
    CommentKind(
        "crypto and trading testimonials",
        SPAM,
        (
            "I invested {money} with {trader} and earned {money} in one week", "All thanks to {trader} for my profit of {money}, contact on Telegram @{healer}{d}{d}", "I was sceptical, but {trader} changed my life. I now make {money} from bitcoin trading", "who else trades with {trader}? She is the best, I just withdrew {money}", "Investing in crypto is wise now, especially with a professional like {trader}",
            "I started with {money} and got {money} back, message {trader} on WhatsApp {phone}", "{trader} is legit, her strategy pays me {money} weekly, find her on Instagram", "forex and binary options made easy, {trader} handles my account and I make {money}", "earn {money} from home, no experience needed {spamurl}", "I quit my job, now I earn {money} online: {spamurl}", "Free {money} airdrop, connect your wallet at {spamurl}",
            "my first withdrawal of {money} just arrived, thank you {trader}", "Great video. I wish I had met {trader} earlier, {money} profit last month alone",
        ),
        2.5,
    ),
    CommentKind(
        "pharmacy, casino, essays and goods",
        SPAM,
        (
            "buy {drug} online without prescription {spamurl}", "cheap {drug}, {drug} and {drug} shipped worldwide {spamurl}", "{drug} {drug} buy {drug} no rx", "I bought {drug} here and it works great, discreet delivery {spamurl}", "best {drug} reviews {spamurl}", "order {drug} today, 50% off, overnight delivery", "Play {gambling} and win {money} today {spamurl}", "{gambling} with {money} bonus, join now {spamurl}", "the best {gambling} site 2024, {gambling}, {gambling}", "Try {gambling}, I won {money} last night",
            "{study} at low prices, plagiarism free {spamurl}", "Struggling with your paper? Our {study} writers deliver in 6 hours", "I used this {study} and got an A {spamurl}", "{study} for students in {city}, 24/7, visit us", "{goods} in {city} {spamurl}", "Looking for {goods}? We are the best {goods} company in {city}", "best {goods} {city}, {goods} at affordable prices, contact us {phone}", '<a href="{spamurl}">{goods}</a> <a href="{spamurl}">{goods}</a>', "[url={spamurl}]{goods}[/url]", "Check out {goods} at {spamurl}",
            "visit our website for {goods}: {spamurl}", "{goods} {goods} {goods} {spamurl}", "We provide {goods} in {city}. Call {phone} or visit {spamurl}", "subscribe to my channel {spamurl}", "check out my channel, I post about {topic} every day, please sub", "hot singles in {city} want to meet you {spamurl}", "Hi dear, I am {name}, 24, lonely in {city}, text me {phone}", "Congratulations, you won a gift card! Claim at {spamurl}", "Increase your ranking with {goods}, first page of Google guaranteed, {mail}", "Guest post and backlinks available, DA 50+, contact {mail}",
            "Informative. {goods} {city}", "For more details on {goods} visit {spamurl}", "This is helpful, if you are looking for {goods} in {city} then contact us",
        ),
        5.0,
    ),
)  # fmt: skip

_REAL = (
    "it means a lot to me.",
    "thank you for this.",
    "I felt seen.",
    "this helped my whole family.",
    "I liked every line.",
    "great read.",
    "beautifully said.",
)


def filled(template: str, draw: random.Random) -> str:
    """Return *template* with each slot replaced by one of its words, slots within them too."""

    def word(match: re.Match[str]) -> str:
        slot = match[1]
        return draw.choice(_REAL if slot == "gush_real" else LEXICON[slot])

    while _SLOT.search(template):
        template = _SLOT.sub(word, template)
    return template


def _worn(text: str, draw: random.Random) -> str:
    """Write as people do: with and without capitals, full stops, and care."""
    chance = draw.random()
    if chance < 0.25:
        text = text.lower()
    elif chance < 0.75:
        text = text[:1].upper() + text[1:]
    elif chance < 0.79:
        text = text.upper()
    if draw.random() < 0.3:
        text = (
            text.replace(" you are ", " ur ").replace("You are", "You're")
            if draw.random() < 0.5
            else text.replace("'", "")
        )
    if draw.random() < 0.3:
        text = text.rstrip(".") + draw.choice((".", "!", "!!", "...", "", " :)", "?"))
    return text


def _author(draw: random.Random, *, spam: bool) -> str:
    if spam and draw.random() < 0.3:
        kinds = (
            "{goods}",
            "{goods} {city}",
            "{study}",
            "{drug}",
            "{slug2} {slug3}",
            "{brand} support",
        )
        return filled(draw.choice(kinds), draw)
    return filled("{name}", draw) if draw.random() < 0.5 else ""


def _homepage(draw: random.Random, *, spam: bool) -> str:
    """Good comments get home pages, too, so that a home page alone is no evidence."""
    if draw.random() < 0.6:
        return ""
    if spam and draw.random() < 0.7:
        return filled("{spamurl}", draw)
    return filled(
        draw.choice(
            (
                "http://{word}{word2}.com",
                "https://{word}-{word2}.org",
                "http://www.{word}.net/blog",
                "https://github.com/{word}{word2}",
            )
        ),
        draw,
    )


def generated(per_share: int, seed: int = 0) -> Corpus:
    """Return distinct comments of every kind, *per_share* times its share of each."""
    examples: list[Example] = []
    for kind in KINDS:
        draw = random.Random(f"{seed} {kind.name}")  # noqa: S311 - drawn to be repeated, not to be secret
        texts: dict[str, None] = {}
        for _ in range(round(kind.share * per_share)):
            texts[_worn(filled(draw.choice(kind.templates), draw), draw)] = None
        examples += [
            Example(
                text,
                f"own: {kind.name}",
                dict(kind.labels),
                author_name=_author(draw, spam=kind.labels is SPAM),
                author_url=_homepage(draw, spam=kind.labels is SPAM),
            )
            for text in texts
        ]
    return Corpus(tuple(examples))


_LOOKALIKE = str.maketrans("aeopcxyis", "аеорсхуіѕ")
_DIGIT = str.maketrans("aeiosgt", "4310597")
_SIGN = str.maketrans("aisel", "@!$3|")


def _homoglyphs(word: str, draw: random.Random) -> str:
    return "".join(c.translate(_LOOKALIKE) if draw.random() < 0.7 else c for c in word)


def _leet(word: str, draw: random.Random) -> str:
    table = draw.choice((_DIGIT, _SIGN))
    return "".join(c.translate(table) if draw.random() < 0.8 else c for c in word)


def _spaced(word: str, draw: random.Random) -> str:
    return draw.choice(" .-_*").join(word)


def _stretched(word: str, draw: random.Random) -> str:
    place = draw.randrange(len(word))
    return word[:place] + word[place] * draw.randint(2, 6) + word[place + 1 :]


def _hidden(word: str, draw: random.Random) -> str:
    return draw.choice("\u200b\u200c\u200d\u2060\u00ad").join(word)


def _starred(word: str, draw: random.Random) -> str:
    stars = draw.randint(1, max(1, len(word) - 2))
    return word[0] + draw.choice("***#@-") * stars + word[1 + stars :]


#: Ways to disguise a word, by name.
EVASIONS: Mapping[str, Callable[[str, random.Random], str]] = {
    "homoglyphs": _homoglyphs,
    "leetspeak": _leet,
    "spacing": _spaced,
    "stretching": _stretched,
    "zero-width": _hidden,
    "censoring": _starred,
}
_LONG_WORD = re.compile(r"[A-Za-z]{3,}")


def disguised(text: str, way: str, share: float, draw: random.Random) -> str:
    """Return *text* with a *share* of its longer words disguised in one *way*."""
    change = EVASIONS[way]
    return _LONG_WORD.sub(
        lambda match: change(match.group(), draw) if draw.random() < share else match.group(), text
    )


def evaded(examples: Sequence[Example], seed: int = 0) -> Corpus:
    """Return a disguised twin of each example, with the same labels.

    Good comments are disguised too: what is disguised should neither help nor harm by itself.
    """
    draw = random.Random(seed)  # noqa: S311 - drawn to be repeated, not to be secret
    ways = tuple(EVASIONS)
    return Corpus(
        tuple(
            replace(
                one,
                text=disguised(
                    one.text[:600], draw.choice(ways), draw.choice((0.2, 0.5, 1.0)), draw
                ),
                source=f"disguised: {one.source}",
                natural=False,
            )
            for one in examples
        )
    )
